#pragma once
#include <string.h>
#include <vips/vips.h>

/// Lets libvips read PNG, and nothing else. 0 on success.
static inline int homeroom_vips_start(void) { /* VIPS_INIT is a macro */
    if (VIPS_INIT("homeroom") != 0) return -1;
    vips_operation_block_set("VipsForeignLoad", TRUE);
    vips_operation_block_set("VipsForeignLoadPng", FALSE);
    vips_cache_set_max(0);
    vips_concurrency_set(1);
    vips_leak_set(FALSE);
    return 0;
}

/// Reads the header alone; pixels come as they are asked for. The image is the caller's to unref; NULL when it is no
/// picture that may be read. `options` go to the loader: "[n=-1]".
static inline VipsImage *homeroom_vips_open(const void *bytes, size_t count, const char *options) { /* variadic */
    return vips_image_new_from_buffer(
        bytes, count, options, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
}

/// The profile that the loader has found; NULL without one.
static inline const void *homeroom_vips_profile(VipsImage *image, size_t *count) { /* macro */
    const void *bytes = NULL;
    if (vips_image_get_typeof(image, VIPS_META_ICC_NAME) == 0) return NULL;
    return vips_image_get_blob(image, VIPS_META_ICC_NAME, &bytes, count) == 0 ? bytes : NULL;
}

/// Fitted into a square of `side` without enlarging, in memory, and turned as `orientation` says: that of Exif, 1 to 8.
/// `isPremultiplied`: colours are already multiplied by alpha, as they are where that is either 255 or all is 0.
static inline int homeroom_vips_fit(
    VipsImage *in, int side, int orientation, int isPremultiplied, VipsImage **out) { /* variadic */
    const int longest = in->Xsize > in->Ysize ? in->Xsize : in->Ysize;
    const double scale = longest > side ? (double)side / longest : 1;
    VipsImage *steps[6] = {NULL};
    VipsImage *last = in;
    int code = 0;
    if (scale < 1) {
        // Of what nobody sees nothing may bleed into its neighbours.
        const VipsBandFormat format = in->BandFmt;
        const int hasAlpha = vips_image_hasalpha(in);
        if (hasAlpha && !isPremultiplied && (code = vips_premultiply(last, &steps[0], NULL)) == 0) last = steps[0];
        // Not less than a line: a side of 0 is none.
        const double across = scale * in->Xsize < 1 ? 1.0 / in->Xsize : scale;
        const double down = scale * in->Ysize < 1 ? 1.0 / in->Ysize : scale;
        // Of bytes all pixels weigh in, which is quicker than to shrink by a whole number first: 0.3 s instead of 4.9 s for 50
        // million in memory. (8.14.1) Of wider numbers it is slower.
        const double gap = last->BandFmt == VIPS_FORMAT_UCHAR ? 0 : 2;
        if (code == 0 && (code = vips_resize(last, &steps[1], across, "vscale", down, "gap", gap, NULL)) == 0)
            last = steps[1];
        if (code == 0 && hasAlpha && (code = vips_unpremultiply(last, &steps[2], NULL)) == 0) last = steps[2];
        if (code == 0 && (code = vips_cast(last, &steps[3], format, NULL)) == 0) last = steps[3];
    }
    if (code == 0) code = (steps[4] = vips_image_copy_memory(last)) == NULL ? -1 : 0;
    if (code == 0) {
        vips_image_set_int(steps[4], VIPS_META_ORIENTATION, orientation);
        code = vips_autorot(steps[4], &steps[5], NULL);
    }
    if (code == 0) code = (*out = vips_image_copy_memory(steps[5])) == NULL ? -1 : 0;
    for (int index = 0; index < 6; index++)
        if (steps[index] != NULL) g_object_unref(steps[index]);
    return code;
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

/// An empty image of red, green, blue and alpha, in memory: `frames` below each other, shown for so many hundredths of a
/// second, and all `loops` times (0 for ever).
static inline VipsImage *homeroom_vips_canvas(
    int width, int height, int frames, const int *delays, int loops) { /* macros */
    VipsImage *image = vips_image_new_memory();
    vips_image_init_fields(
        image, width, height * frames, 4, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1, 1);
    if (vips_image_write_prepare(image) != 0) {
        g_object_unref(image);
        return NULL;
    }
    memset(VIPS_IMAGE_ADDR(image, 0, 0), 0, VIPS_IMAGE_SIZEOF_IMAGE(image));
    if (frames > 1) {
        int milliseconds[200];
        for (int index = 0; index < frames && index < 200; index++) milliseconds[index] = delays[index] * 10;
        vips_image_set_int(image, VIPS_META_PAGE_HEIGHT, height);
        vips_image_set_array_int(image, "delay", milliseconds, frames < 200 ? frames : 200);
        vips_image_set_int(image, "loop", loops);
    }
    return image;
}

/// The first byte of a line of an image in memory.
static inline unsigned char *homeroom_vips_line(VipsImage *image, int y) { /* macro */
    return VIPS_IMAGE_ADDR(image, 0, y);
}

/// Copies an image in memory into another of the same kind, as the frame `index` of those below each other.
static inline void homeroom_vips_paste(VipsImage *frame, VipsImage *roll, int index) { /* macros */
    memcpy(VIPS_IMAGE_ADDR(roll, 0, index * frame->Ysize), VIPS_IMAGE_ADDR(frame, 0, 0), VIPS_IMAGE_SIZEOF_IMAGE(frame));
}

/// Encodes without any metadata; the bytes are the caller's, to be freed with g_free.
static inline int homeroom_vips_encode(VipsImage *in, const char *ending, void **bytes, size_t *count) { /* variadic */
    return vips_image_write_to_buffer(in, ending, bytes, count, NULL);
}

static inline void homeroom_vips_release(VipsImage *image) { /* macro */
    if (image != NULL) g_object_unref(image);
}
