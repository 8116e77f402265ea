"""Draws without a display: EGL without a surface, on Linux with Mesa or a graphics driver."""

from __future__ import annotations

import ctypes
import os
import sys
from types import TracebackType
from typing import Any

import numpy as np

from alpr_app.core.errors import AlprError

_SURFACELESS_MESA = 0x31DD
_REMEDY = "install a software OpenGL (Debian: apt-get install libegl1 libgl1-mesa-dri); `alpr read` needs none"


class OffscreenError(AlprError):
    """Nothing can be drawn off screen on this computer; the message says what is missing."""


class Offscreen:
    """An OpenGL 3.3 context with a framebuffer of `width` x `height`; current while it is open.

    Raises:
        OffscreenError: Nothing can be drawn off screen on this computer.
    """

    def __init__(self, width: int, height: int) -> None:
        if "OpenGL" in sys.modules and os.environ.get("PYOPENGL_PLATFORM") != "egl":
            raise OffscreenError("drawing off screen has to begin before a window is opened")
        os.environ["PYOPENGL_PLATFORM"] = "egl"
        self.size = (width, height)
        try:
            from OpenGL import EGL, GL
        except (ImportError, AttributeError, TypeError) as error:
            raise OffscreenError(f"libEGL cannot be loaded; {_REMEDY}") from error
        self._egl: Any = EGL
        self._gl: Any = GL
        self._display = self._context = None
        try:
            self._open()
        except (EGL.EGLError, AttributeError, ctypes.ArgumentError) as error:
            raise OffscreenError(f"there is no OpenGL to draw with; {_REMEDY}") from error

    def _open(self) -> None:
        egl, gl = self._egl, self._gl
        from OpenGL.EGL.EXT.platform_base import eglGetPlatformDisplayEXT

        self._display = eglGetPlatformDisplayEXT(_SURFACELESS_MESA, ctypes.c_void_p(0), None)
        major, minor = ctypes.c_long(), ctypes.c_long()
        if not self._display or not egl.eglInitialize(self._display, major, minor):
            raise OffscreenError(f"there is no OpenGL to draw with; {_REMEDY}")
        wanted = [egl.EGL_SURFACE_TYPE, egl.EGL_PBUFFER_BIT, egl.EGL_RENDERABLE_TYPE, egl.EGL_OPENGL_BIT, egl.EGL_NONE]
        configs, count = (egl.EGLConfig * 1)(), ctypes.c_long()
        egl.eglChooseConfig(self._display, (egl.EGLint * len(wanted))(*wanted), configs, 1, count)
        if not count.value:
            raise OffscreenError(f"this OpenGL cannot draw off screen; {_REMEDY}")
        egl.eglBindAPI(egl.EGL_OPENGL_API)
        # OpenGL 3.3, core profile.
        version = [0x3098, 3, 0x30FB, 3, 0x30FD, 1, egl.EGL_NONE]
        self._context = egl.eglCreateContext(
            self._display, configs[0], egl.EGL_NO_CONTEXT, (egl.EGLint * len(version))(*version)
        )
        size = [egl.EGL_WIDTH, 1, egl.EGL_HEIGHT, 1, egl.EGL_NONE]
        surface = egl.eglCreatePbufferSurface(self._display, configs[0], (egl.EGLint * len(size))(*size))
        egl.eglMakeCurrent(self._display, surface, surface, self._context)
        self._target = gl.glGenFramebuffers(1)
        colour = gl.glGenRenderbuffers(1)
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, self._target)
        gl.glBindRenderbuffer(gl.GL_RENDERBUFFER, colour)
        gl.glRenderbufferStorage(gl.GL_RENDERBUFFER, gl.GL_RGBA8, *self.size)
        gl.glFramebufferRenderbuffer(gl.GL_FRAMEBUFFER, gl.GL_COLOR_ATTACHMENT0, gl.GL_RENDERBUFFER, colour)

    def clear(self) -> None:
        self._gl.glClearColor(0, 0, 0, 1)
        self._gl.glClear(self._gl.GL_COLOR_BUFFER_BIT)

    def finish(self) -> None:
        """Wait until everything has been drawn."""
        self._gl.glFinish()

    @property
    def renderer(self) -> str:
        """Name of the OpenGL renderer."""
        name: str = self._gl.glGetString(self._gl.GL_RENDERER).decode(errors="replace")
        return name

    def read(self) -> np.ndarray:
        """The picture drawn: H x W x 3 uint8 RGB."""
        width, height = self.size
        self._gl.glPixelStorei(self._gl.GL_PACK_ALIGNMENT, 1)
        data = self._gl.glReadPixels(0, 0, width, height, self._gl.GL_RGB, self._gl.GL_UNSIGNED_BYTE)
        return np.frombuffer(data, np.uint8).reshape(height, width, 3)[::-1].copy()

    def __enter__(self) -> Offscreen:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        egl = self._egl
        egl.eglMakeCurrent(self._display, egl.EGL_NO_SURFACE, egl.EGL_NO_SURFACE, egl.EGL_NO_CONTEXT)
        egl.eglDestroyContext(self._display, self._context)
