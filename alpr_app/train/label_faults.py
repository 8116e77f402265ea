"""Crops whose label is known to be wrong, by file name: they are left out of training.

Found by reading the training crops with a trained reader and looking at those it was sure to read otherwise.
"""

WRONG_CROPS: frozenset[str] = frozenset(
    {
        "2c3f844a279b.jpg",  # 苏D68246, the plate says 沪D68246
        "9121d19545d5.jpg",  # 苏D25F75, the plate says 苏D25G75
        "84dfbe5255a3.jpg",  # 苏STE953, the plate says 苏CTE953
        "9dbbca895cab.jpg",  # 苏E6JX09, the plate says 苏MHG903
        "6925c1776686.jpg",  # 苏BM5768, the plate says 渝BM5768
        "7f66f9040e3f.jpg",  # 苏B11110, the plate says 苏B1L110
        "497475acb3ff.jpg",  # 苏A8A527, the plate says 鄂A8A527
        "3e9c3f0249da.jpg",  # 黑ND50U2, the plate says 黑ND5002
    }
)
