"""Pictures on the graphics card: of any size, uploaded only when they change, deleted when they are no longer drawn."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

# Frames after which a texture that is not drawn is deleted.
UNUSED_FRAMES = 120


@dataclass(eq=False)
class Texture:
    """A texture. Dear ImGui keeps only its address, so this object has to outlive the frame.

    Attributes:
        id: OpenGL's name.
        size: Width and height.
        version: Version of the picture that was uploaded.
        used: Number of the last frame that drew it.
        pixelated: See `Textures.show_pixels`.
    """

    id: int
    size: tuple[int, int] = (0, 0)
    version: Hashable = None
    used: int = 0
    pixelated: bool = False


class Textures:
    """Textures by slot; pictures larger than the graphics card allows are reduced. Needs a current OpenGL context.

    Attributes:
        uploads: Number of uploads so far.
    """

    def __init__(self) -> None:
        # Imported late: off screen, the platform of OpenGL has to be chosen first.
        from OpenGL import GL

        self._gl: Any = GL
        self._maximum_side = int(GL.glGetIntegerv(GL.GL_MAX_TEXTURE_SIZE))
        self._slots: dict[Hashable, Texture] = {}
        self._frame = 0
        self.uploads = 0

    def get(self, slot: Hashable, version: Hashable, make: Callable[[], np.ndarray], mipmaps: bool = True) -> Texture:
        """The texture of `slot`; the picture from `make`, H x W x 3 uint8 RGB, is uploaded if `version` has changed.
        Without `mipmaps`, that is several times faster, for pictures drawn at about their own size."""
        texture = self._slots.get(slot)
        if texture is None:
            texture = self._slots[slot] = Texture(int(self._gl.glGenTextures(1)))
        if texture.version != version:
            self._upload(texture, make(), mipmaps)
            texture.version = version
        texture.used = self._frame
        return texture

    def _upload(self, texture: Texture, image: np.ndarray, mipmaps: bool) -> None:
        gl = self._gl
        scale = self._maximum_side / max(image.shape[:2])
        if scale < 1:
            # Drawn at the same size, but with fewer pixels.
            sides = [max(1, int(side * scale)) for side in image.shape[1::-1]]
            image = cv2.resize(image, (sides[0], sides[1]), interpolation=cv2.INTER_AREA)
        pixels = np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA))
        height, width = image.shape[:2]
        before = gl.glGetIntegerv(gl.GL_TEXTURE_BINDING_2D)
        gl.glBindTexture(gl.GL_TEXTURE_2D, texture.id)
        # Rows are contiguous; by default OpenGL expects each to start at a multiple of 4 bytes.
        gl.glPixelStorei(gl.GL_UNPACK_ALIGNMENT, 1)
        if texture.size == (width, height):
            gl.glTexSubImage2D(gl.GL_TEXTURE_2D, 0, 0, 0, width, height, gl.GL_RGBA, gl.GL_UNSIGNED_BYTE, pixels)
        else:
            gl.glTexImage2D(gl.GL_TEXTURE_2D, 0, gl.GL_RGBA, width, height, 0, gl.GL_RGBA, gl.GL_UNSIGNED_BYTE, pixels)
            for name, value in (
                (gl.GL_TEXTURE_WRAP_S, gl.GL_CLAMP_TO_EDGE),
                (gl.GL_TEXTURE_WRAP_T, gl.GL_CLAMP_TO_EDGE),
                (gl.GL_TEXTURE_MIN_FILTER, gl.GL_LINEAR_MIPMAP_LINEAR if mipmaps else gl.GL_LINEAR),
                (gl.GL_TEXTURE_MAG_FILTER, gl.GL_NEAREST if texture.pixelated else gl.GL_LINEAR),
            ):
                gl.glTexParameteri(gl.GL_TEXTURE_2D, name, value)
        if mipmaps:
            # Without them, reduced pictures would flicker and lose thin strokes.
            gl.glGenerateMipmap(gl.GL_TEXTURE_2D)
        gl.glBindTexture(gl.GL_TEXTURE_2D, before)
        texture.size = (width, height)
        self.uploads += 1

    def show_pixels(self, texture: Texture, pixelated: bool) -> None:
        """Choose whether an enlarged picture shows its pixels as squares or is smoothed."""
        if texture.pixelated == pixelated:
            return
        gl = self._gl
        before = gl.glGetIntegerv(gl.GL_TEXTURE_BINDING_2D)
        gl.glBindTexture(gl.GL_TEXTURE_2D, texture.id)
        gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_MAG_FILTER, gl.GL_NEAREST if pixelated else gl.GL_LINEAR)
        gl.glBindTexture(gl.GL_TEXTURE_2D, before)
        texture.pixelated = pixelated

    def end_frame(self) -> None:
        """Delete textures that have not been drawn for UNUSED_FRAMES."""
        self._frame += 1
        for slot, texture in list(self._slots.items()):
            if self._frame - texture.used > UNUSED_FRAMES:
                self._gl.glDeleteTextures([texture.id])
                del self._slots[slot]

    def close(self) -> None:
        for texture in self._slots.values():
            self._gl.glDeleteTextures([texture.id])
        self._slots.clear()
