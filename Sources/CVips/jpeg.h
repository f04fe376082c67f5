// Decodes a JPEG with libjpeg itself: libvips does not tell a picture whose data is missing from one without an end
// marker.
#pragma once
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>
#include <vips/vips.h>

typedef struct {
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    jmp_buf broken;
    /// Where the picture needed bits that are not there.
    long missing;
    /// The file went on to an end marker.
    int hasEnd;
    const JOCTET *start, *end;
    /// Blocks that scans have gone over.
    long long blocks;
    /// Components that a scan has brought.
    unsigned char hasScan[MAX_COMPONENTS];
} homeroom_jpeg;

static inline void homeroom_jpeg_fail(j_common_ptr info) { /* callback */
    longjmp(((homeroom_jpeg *)info->err)->broken, 1);
}

/// Warnings that mean missing data are counted; the rest is noise that browsers ignore too.
static inline void homeroom_jpeg_hear(j_common_ptr info, int level) { /* callback */
    if (level >= 0) return;
    switch (info->err->msg_code) {
    case JWRN_HIT_MARKER:  // a marker, or the end of the file, stands where bits should
    case JWRN_MUST_RESYNC: // an interval between restart markers is not there
        ((homeroom_jpeg *)info->err)->missing += 1;
    }
}

static inline void homeroom_jpeg_ignore(j_decompress_ptr info) { (void)info; } /* callback */

/// The end of the file reads as an end marker: what is missing before it is seen by whoever needs it.
static inline boolean homeroom_jpeg_end(j_decompress_ptr info) { /* callback */
    static const JOCTET marker[] = {0xFF, JPEG_EOI};
    ((homeroom_jpeg *)info->err)->hasEnd = 0;
    info->src->next_input_byte = marker;
    info->src->bytes_in_buffer = sizeof marker;
    return TRUE;
}

static inline void homeroom_jpeg_skip(j_decompress_ptr info, long count) { /* callback */
    if (count <= 0) return;
    if ((size_t)count >= info->src->bytes_in_buffer) {
        homeroom_jpeg_end(info);
    } else {
        info->src->next_input_byte += count;
        info->src->bytes_in_buffer -= (size_t)count;
    }
}

static inline void homeroom_jpeg_begin(
    struct jpeg_decompress_struct *info, homeroom_jpeg *state, const void *bytes, size_t count) { /* macro */
    info->err = jpeg_std_error(&state->errors);
    state->errors.error_exit = homeroom_jpeg_fail;
    state->errors.emit_message = homeroom_jpeg_hear;
    state->hasEnd = 1;
    state->start = (const JOCTET *)bytes;
    state->end = state->start + count;
    state->source = (struct jpeg_source_mgr){
        .next_input_byte = state->start, .bytes_in_buffer = count, .init_source = homeroom_jpeg_ignore,
        .fill_input_buffer = homeroom_jpeg_end, .skip_input_data = homeroom_jpeg_skip,
        .resync_to_restart = jpeg_resync_to_restart, .term_source = homeroom_jpeg_ignore};
}

/// Blocks that the scans of a picture may go over, some 30 ns each: those of 50 million pixels in three colours 42
/// times, which programs write in some ten scans.
#define HOMEROOM_JPEG_MOST_BLOCKS 100000000LL

/// Notes which components the present scan brings. Not 0 when it is one too many.
static inline int homeroom_jpeg_note_scan(j_decompress_ptr info, homeroom_jpeg *state) {
    for (int index = 0; index < info->comps_in_scan; index++) {
        const jpeg_component_info *component = info->cur_comp_info[index];
        state->hasScan[component->component_index] = 1;
        state->blocks += (long long)component->width_in_blocks * component->height_in_blocks;
    }
    return state->blocks > HOMEROOM_JPEG_MOST_BLOCKS ? -1 : 0;
}

/// Whether the scan that has just ended was read from zeros that go on behind it: a file whose end was never written.
static inline int homeroom_jpeg_was_filled(j_decompress_ptr info, const homeroom_jpeg *state) {
    enum { run = 64 }; // far more than the decoder reads ahead
    const JOCTET *place = info->src->next_input_byte;
    if (place < state->start + run || place > state->end || state->end - place < run) return 0;
    for (const JOCTET *byte = place - run; byte < place + run; byte++)
        if (*byte != 0) return 0;
    return 1;
}

/// Whether scans have brought all components, and those of a progressive picture to the last bit: of each block's mean
/// in any case, of all else where nothing says that the picture ends here. (An encoder may leave out what hardly
/// shows.)
static inline int homeroom_jpeg_is_whole(j_decompress_ptr info, const homeroom_jpeg *state) {
    for (int component = 0; component < info->num_components; component++) {
        if (!state->hasScan[component]) return 0;
        const int places = !info->progressive_mode ? 0 : state->hasEnd ? 1 : DCTSIZE2;
        for (int place = 0; place < places; place++)
            if (info->coef_bits[component][place] != 0) return 0;
    }
    return state->missing == 0;
}

/// Reads all scans of a picture that has several. An error behind the last one, where strange bytes may stand, is none.
static inline int homeroom_jpeg_read_scans(j_decompress_ptr info, homeroom_jpeg *state) { /* setjmp */
    if (setjmp(state->broken) != 0) {
        state->hasEnd = 0;
        return homeroom_jpeg_is_whole(info, state) ? 0 : -1;
    }
    for (;;) {
        const int event = jpeg_consume_input(info);
        if (event == JPEG_REACHED_SOS && homeroom_jpeg_note_scan(info, state) != 0) return -1;
        if (event == JPEG_SCAN_COMPLETED && homeroom_jpeg_was_filled(info, state)) return -1;
        if (event == JPEG_REACHED_EOI) return homeroom_jpeg_is_whole(info, state) ? 0 : -1;
    }
}

/// Width and height as the header has them. 0 on success.
static inline int homeroom_jpeg_size(const void *bytes, size_t count, int *width, int *height) { /* setjmp */
    struct jpeg_decompress_struct info = {0};
    homeroom_jpeg state = {0};
    homeroom_jpeg_begin(&info, &state, bytes, count);
    int code = -1;
    if (setjmp(state.broken) == 0) {
        jpeg_create_decompress(&info);
        info.src = &state.source;
        if (jpeg_read_header(&info, TRUE) == JPEG_HEADER_OK) {
            *width = (int)info.image_width;
            *height = (int)info.image_height;
            code = 0;
        }
    }
    jpeg_destroy_decompress(&info);
    return code;
}

/// Lines into the memory of an image, which is the caller's to unref, also after a failure.
static inline int homeroom_jpeg_read_lines(j_decompress_ptr info, VipsImage **out) {
    const VipsInterpretation kind = info->output_components == 1 ? VIPS_INTERPRETATION_B_W
        : info->output_components == 3 ? VIPS_INTERPRETATION_sRGB : VIPS_INTERPRETATION_CMYK;
    *out = vips_image_new_memory();
    vips_image_init_fields(
        *out, (int)info->output_width, (int)info->output_height, info->output_components, VIPS_FORMAT_UCHAR,
        VIPS_CODING_NONE, kind, 1, 1);
    if (vips_image_write_prepare(*out) != 0) return -1;
    while (info->output_scanline < info->output_height) {
        JSAMPROW line = VIPS_IMAGE_ADDR(*out, 0, (int)info->output_scanline);
        if (jpeg_read_scanlines(info, &line, 1) != 1) return -1;
        // Adobe's programs write how much ink is left out.
        if (info->saw_Adobe_marker && info->output_components == 4)
            for (size_t byte = 0; byte < VIPS_IMAGE_SIZEOF_LINE(*out); byte++) line[byte] = 255 - line[byte];
    }
    return 0;
}

/// Decodes, in as little detail as still has two pixels for each of a square of `side`. The image, and its profile
/// where it has one, are the caller's to unref and to free, also after a failure. 0 on success; anything else for a
/// picture that is broken or of which data is missing.
static inline int homeroom_jpeg_decode(
    const void *bytes, size_t count, int side, VipsImage **out, void **profile, unsigned *profileCount) { /* setjmp */
    struct jpeg_decompress_struct info = {0};
    homeroom_jpeg state = {0};
    homeroom_jpeg_begin(&info, &state, bytes, count);
    int volatile code = -1;
    if (setjmp(state.broken) != 0) goto end;
    jpeg_create_decompress(&info);
    info.src = &state.source;
    jpeg_save_markers(&info, JPEG_APP0 + 2, 0xFFFF);
    if (jpeg_read_header(&info, TRUE) != JPEG_HEADER_OK) goto end;
    // No browser shows arithmetic coding, in which missing data cannot be seen.
    if (info.arith_code) goto end;
    switch (info.jpeg_color_space) {
    case JCS_GRAYSCALE: info.out_color_space = JCS_GRAYSCALE; break;
    case JCS_RGB: case JCS_YCbCr: info.out_color_space = JCS_RGB; break;
    case JCS_CMYK: case JCS_YCCK: info.out_color_space = JCS_CMYK; break;
    default: goto end;
    }
    JOCTET *found = NULL;
    if (jpeg_read_icc_profile(&info, &found, profileCount)) *profile = found;
    const unsigned longest = info.image_width > info.image_height ? info.image_width : info.image_height;
    info.scale_denom = 1;
    while (info.scale_denom < 8 && longest >= info.scale_denom * 4 * (unsigned)side) info.scale_denom *= 2;

    if (homeroom_jpeg_note_scan(&info, &state) != 0) goto end;
    if (jpeg_has_multiple_scans(&info)) {
        info.buffered_image = TRUE;
        jpeg_start_decompress(&info);
        if (homeroom_jpeg_read_scans(&info, &state) != 0) goto end;
        if (setjmp(state.broken) != 0) goto end;
        jpeg_start_output(&info, info.input_scan_number);
        code = homeroom_jpeg_read_lines(&info, out);
    } else {
        jpeg_start_decompress(&info);
        if (homeroom_jpeg_read_lines(&info, out) == 0 && homeroom_jpeg_is_whole(&info, &state)
            && !homeroom_jpeg_was_filled(&info, &state))
            code = 0;
    }
end:
    jpeg_destroy_decompress(&info);
    return code;
}
