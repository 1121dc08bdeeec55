"""Which formats the decoder opens, with all that Pillow imports for them: a child can open no file to import.

PostScript is not among them, as Pillow would start Ghostscript for it.
"""

from __future__ import annotations

import pillow_heif
from PIL import (
    AvifImagePlugin,
    BlpImagePlugin,
    BmpImagePlugin,
    CurImagePlugin,
    DdsImagePlugin,
    FitsImagePlugin,
    FliImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    ImageColor,
    ImageFile,
    ImageOps,
    ImagePalette,
    ImImagePlugin,
    ImtImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    MspImagePlugin,
    PcxImagePlugin,
    PixarImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    PsdImagePlugin,
    QoiImagePlugin,
    SgiImagePlugin,
    SunImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    XbmImagePlugin,
    XpmImagePlugin,
    XVThumbImagePlugin,
)

PLUGINS = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    GifImagePlugin.GifImageFile,
    AvifImagePlugin.AvifImageFile,
    TiffImagePlugin.TiffImageFile,
    BmpImagePlugin.BmpImageFile,
    PsdImagePlugin.PsdImageFile,
    Jpeg2KImagePlugin.Jpeg2KImageFile,
    IcoImagePlugin.IcoImageFile,
    CurImagePlugin.CurImageFile,
    DdsImagePlugin.DdsImageFile,
    BlpImagePlugin.BlpImageFile,
    QoiImagePlugin.QoiImageFile,
    PpmImagePlugin.PpmImageFile,
    SgiImagePlugin.SgiImageFile,
    SunImagePlugin.SunImageFile,
    FitsImagePlugin.FitsImageFile,
    FliImagePlugin.FliImageFile,
    MspImagePlugin.MspImageFile,
    PixarImagePlugin.PixarImageFile,
    XVThumbImagePlugin.XVThumbImageFile,
    XpmImagePlugin.XpmImageFile,
    PcxImagePlugin.PcxImageFile,
    XbmImagePlugin.XbmImageFile,
    ImImagePlugin.ImImageFile,
    ImtImagePlugin.ImtImageFile,
    # Its header says the least, so all others come before it.
    TgaImagePlugin.TgaImageFile,
)
FORMATS = (*(one.format for one in PLUGINS), "HEIF")
# Of these a picture is made and read before the first fork, which loads what they need.
SAVED = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "TIFF", "BMP", "JPEG2000", "ICO", "DDS", "TGA", "PPM")
ALSO = (ImageColor, ImageFile, ImageOps, ImagePalette, MpoImagePlugin)

# A child may start no threads.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
