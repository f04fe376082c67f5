#pragma once
#include <vips/vips.h>

/// Lets libvips read JPEG, PNG and GIF, and nothing else. 0 on success.
static inline int homeroom_vips_start(void) { /* VIPS_INIT is a macro */
    if (VIPS_INIT("homeroom") != 0) return -1;
    vips_operation_block_set("VipsForeignLoad", TRUE);
    vips_operation_block_set("VipsForeignLoadJpeg", FALSE);
    vips_operation_block_set("VipsForeignLoadPng", FALSE);
    vips_operation_block_set("VipsForeignLoadNsgif", FALSE);
    vips_cache_set_max(0);
    vips_concurrency_set(1);
    vips_leak_set(FALSE);
    return 0;
}

/// Reads the header alone. The image is the caller's to unref; NULL when it is no picture that may be read.
static inline VipsImage *homeroom_vips_open(const void *bytes, size_t count) { /* variadic */
    return vips_image_new_from_buffer(bytes, count, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
}

static inline int homeroom_vips_pages(VipsImage *image) { /* GObject macro */
    return vips_image_get_n_pages(image);
}

/// Decodes upright, in sRGB, fitted into a square of `side` without enlarging. `options` go to the loader: "n=12,fail_on=error".
static inline int homeroom_vips_fit(
    const void *bytes, size_t count, const char *options, int side, VipsImage **out) { /* variadic */
    return vips_thumbnail_buffer(
        (void *)bytes, count, out, side, "height", side, "size", VIPS_SIZE_DOWN, "export_profile", "srgb",
        "option_string", options, NULL);
}

/// Eight bits a channel in sRGB, in memory: from here on nothing reads the original.
static inline int homeroom_vips_settle(VipsImage *in, VipsImage **out) { /* variadic */
    VipsImage *colours = NULL;
    VipsImage *bytes = NULL;
    int code = vips_colourspace(in, &colours, VIPS_INTERPRETATION_sRGB, NULL);
    if (code == 0) code = vips_cast_uchar(colours, &bytes, NULL);
    if (code == 0) code = (*out = vips_image_copy_memory(bytes)) == NULL ? -1 : 0;
    if (bytes != NULL) g_object_unref(bytes);
    if (colours != NULL) g_object_unref(colours);
    return code;
}

/// A square of `side` around what draws the eye.
static inline int homeroom_vips_square(VipsImage *in, int side, VipsImage **out) { /* variadic */
    return vips_thumbnail_image(in, out, side, "height", side, "crop", VIPS_INTERESTING_ATTENTION, NULL);
}

/// Encodes without any metadata; the bytes are the caller's, to be freed with g_free.
static inline int homeroom_vips_encode(VipsImage *in, const char *ending, void **bytes, size_t *count) { /* variadic */
    return vips_image_write_to_buffer(in, ending, bytes, count, NULL);
}

static inline void homeroom_vips_release(VipsImage *image) { /* macro */
    if (image != NULL) g_object_unref(image);
}
