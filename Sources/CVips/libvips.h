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

static inline int homeroom_vips_has_profile(VipsImage *image) { /* macro */
    return vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0;
}

/// Decodes upright, fitted into a square of `side` without enlarging. `options` go to the loader: "n=12,fail_on=error".
///
/// With `profile` the picture's own profile is applied and the colours are those of sRGB. Without a profile they must stay
/// untouched: to export them would turn (255, 0, 0) into (248, 26, 16). (8.14.1)
static inline int homeroom_vips_fit(
    const void *bytes, size_t count, const char *options, int profile, int side, VipsImage **out) { /* variadic */
    if (!profile)
        return vips_thumbnail_buffer(
            (void *)bytes, count, out, side, "height", side, "size", VIPS_SIZE_DOWN, "option_string", options, NULL);
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

/// The largest square of the picture, around what draws the eye.
///
/// Before any change of size: to enlarge a picture of 1024×1 first, until 256 are its height, takes seconds.
static inline int homeroom_vips_crop(VipsImage *in, VipsImage **out) { /* variadic */
    int side = in->Xsize < in->Ysize ? in->Xsize : in->Ysize;
    VipsImage *crop = NULL;
    int code = vips_smartcrop(in, &crop, side, side, "interesting", VIPS_INTERESTING_ATTENTION, NULL);
    if (code == 0) code = (*out = vips_image_copy_memory(crop)) == NULL ? -1 : 0;
    if (crop != NULL) g_object_unref(crop);
    return code;
}

/// A square in another size.
static inline int homeroom_vips_square(VipsImage *in, int side, VipsImage **out) { /* variadic */
    return vips_thumbnail_image(in, out, side, "height", side, NULL);
}

/// Encodes without any metadata; the bytes are the caller's, to be freed with g_free.
static inline int homeroom_vips_encode(VipsImage *in, const char *ending, void **bytes, size_t *count) { /* variadic */
    return vips_image_write_to_buffer(in, ending, bytes, count, NULL);
}

static inline void homeroom_vips_release(VipsImage *image) { /* macro */
    if (image != NULL) g_object_unref(image);
}
