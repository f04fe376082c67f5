// A picture inside all limits that takes long to decode: 16384×3048, one colour, progressive in 98 scans. Each scan makes
// the decoder go through all of its 50 million pixels.
// usage: slow FILE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>

int main(int count, char **words) {
    FILE *file = count == 2 ? fopen(words[1], "wb") : NULL;
    if (file == NULL) return 2;
    // DC of all colours in two steps, then two coefficients of one colour at a time.
    static jpeg_scan_info scans[98] = {{3, {0, 1, 2}, 0, 0, 0, 1}, {3, {0, 1, 2}, 0, 0, 1, 0}};
    for (int index = 0; index < 96; index++) {
        const int first = 1 + index / 3 * 2;
        scans[2 + index] = (jpeg_scan_info){1, {index % 3}, first, first < 63 ? first + 1 : 63, 0, 0};
    }
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct picture = {.err = jpeg_std_error(&errors)};
    jpeg_create_compress(&picture);
    jpeg_stdio_dest(&picture, file);
    picture.image_width = 16384;
    picture.image_height = 3048;
    picture.input_components = 3;
    picture.in_color_space = JCS_RGB;
    jpeg_set_defaults(&picture);
    picture.scan_info = scans;
    picture.num_scans = sizeof scans / sizeof scans[0];
    jpeg_start_compress(&picture, TRUE);
    JSAMPLE *line = malloc(3 * picture.image_width);
    if (line == NULL) return 1;
    memset(line, 200, 3 * picture.image_width);
    while (picture.next_scanline < picture.image_height) jpeg_write_scanlines(&picture, &line, 1);
    jpeg_finish_compress(&picture);
    return fclose(file) == 0 ? 0 : 1;
}
