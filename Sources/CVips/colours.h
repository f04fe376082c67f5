// Brings colours to sRGB with Little CMS itself: libvips drops a profile that lacks a table for the one intent it asks
// for.
#pragma once
#include <stdint.h>
#include <lcms2.h>
#include <vips/vips.h>

/// What the numbers of a PNG mean, where it says so without a profile: for each n of `count` numbers, evenly spread
/// from 0 to 1, how much light it is. x and y of white, red, green and blue; only white for shades of grey.
static inline cmsHPROFILE homeroom_colours_profile(
    int isGrey, const double places[8], const float *light, unsigned count) { /* struct arguments by value */
    const cmsCIExyY white = {places[0], places[1], 1};
    const cmsCIExyYTRIPLE primaries = {
        {places[2], places[3], 1}, {places[4], places[5], 1}, {places[6], places[7], 1}};
    cmsToneCurve *curve = cmsBuildTabulatedToneCurveFloat(NULL, count, light);
    if (curve == NULL) return NULL;
    cmsToneCurve *curves[] = {curve, curve, curve};
    cmsHPROFILE profile =
        isGrey ? cmsCreateGrayProfile(&white, curve) : cmsCreateRGBProfile(&white, &primaries, curves);
    cmsFreeToneCurve(curve);
    return profile;
}

/// The profile in a file; NULL when it is none.
static inline cmsHPROFILE homeroom_colours_open(const void *bytes, size_t count) { /* its handle is void * */
    return count > UINT32_MAX ? NULL : cmsOpenProfileFromMem(bytes, (cmsUInt32Number)count);
}

static inline void homeroom_colours_close(cmsHPROFILE profile) {
    if (profile != NULL) cmsCloseProfile(profile);
}

/// What turns colours of a profile into sRGB: by its table for true colours, else by another that it has. NULL when it
/// has none. (ICC.1 §9.2.1: a profile for one intent only may have only that table.)
static inline cmsHTRANSFORM homeroom_colours_transform(
    cmsHPROFILE profile, cmsUInt32Number from, cmsUInt32Number to) {
    static const cmsUInt32Number intents[] = {
        INTENT_RELATIVE_COLORIMETRIC, INTENT_PERCEPTUAL, INTENT_SATURATION, INTENT_ABSOLUTE_COLORIMETRIC};
    cmsHPROFILE srgb = cmsCreate_sRGBProfile();
    cmsHTRANSFORM transform = NULL;
    for (int index = 0; srgb != NULL && transform == NULL && index < 4; index++)
        if (cmsIsIntentSupported(profile, intents[index], LCMS_USED_AS_INPUT))
            transform = cmsCreateTransform(profile, from, srgb, to, intents[index], cmsFLAGS_COPY_ALPHA);
    if (srgb != NULL) cmsCloseProfile(srgb);
    return transform;
}

/// Eight bits a channel in sRGB, of an image in memory with 8 or 16 bits a channel. Not 0 when the profile is for
/// another kind of colours.
static inline int homeroom_colours_apply(VipsImage *in, cmsHPROFILE profile, VipsImage **out) { /* macros */
    const int isWide = in->BandFmt == VIPS_FORMAT_USHORT;
    if (!isWide && in->BandFmt != VIPS_FORMAT_UCHAR) return -1;
    cmsUInt32Number kind, channels;
    switch (cmsGetColorSpace(profile)) {
    case cmsSigGrayData: kind = PT_GRAY, channels = 1; break;
    case cmsSigRgbData: kind = PT_RGB, channels = 3; break;
    case cmsSigCmykData: kind = PT_CMYK, channels = 4; break;
    default: return -1;
    }
    const int hasAlpha = vips_image_hasalpha(in);
    if (in->Bands != (int)channels + hasAlpha) return -1;
    const cmsUInt32Number extra = EXTRA_SH(hasAlpha ? 1 : 0);
    cmsHTRANSFORM transform = homeroom_colours_transform(
        profile, COLORSPACE_SH(kind) | CHANNELS_SH(channels) | extra | BYTES_SH(isWide ? 2 : 1), TYPE_RGB_8 | extra);
    if (transform == NULL) return -1;
    *out = vips_image_new_memory();
    vips_image_init_fields(
        *out, in->Xsize, in->Ysize, 3 + hasAlpha, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1, 1);
    const int code = vips_image_write_prepare(*out);
    for (int y = 0; code == 0 && y < in->Ysize; y++)
        cmsDoTransform(
            transform, VIPS_IMAGE_ADDR(in, 0, y), VIPS_IMAGE_ADDR(*out, 0, y), (cmsUInt32Number)in->Xsize);
    cmsDeleteTransform(transform);
    return code;
}
