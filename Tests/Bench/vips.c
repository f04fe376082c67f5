// What libvips alone does with a picture: the avatar and its squares, as the service makes them, for some seconds.
// usage: vips PICTURE FOLDER SECONDS; prints how many.
#include "../../Sources/CVips/libvips.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void keep(VipsImage *image, const char *folder, int side) {
    void *bytes;
    size_t count;
    char path[4096];
    snprintf(path, sizeof path, "%s/%d-%d.jpg", folder, (int)getpid(), side);
    if (homeroom_vips_encode(image, ".jpg[Q=85,optimize_coding,strip]", &bytes, &count) != 0) exit(1);
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) exit(1);
    g_free(bytes);
}

int main(int count, char **words) {
    if (count != 4 || homeroom_vips_start() != 0) return 2;
    int done = 0;
    for (double end = now() + atof(words[3]); now() < end; done++) {
        char *bytes;
        gsize length;
        if (!g_file_get_contents(words[1], &bytes, &length, NULL)) return 1;
        VipsImage *fitted = NULL, *avatar = NULL, *crop = NULL, *square = NULL, *small = NULL;
        if (homeroom_vips_fit(bytes, length, "fail_on=error", 0, 1024, &fitted) != 0 ||
            homeroom_vips_settle(fitted, &avatar) != 0 || homeroom_vips_crop(avatar, &crop) != 0 ||
            homeroom_vips_square(crop, 256, &square) != 0 || homeroom_vips_square(crop, 64, &small) != 0)
            return 1;
        keep(avatar, words[2], 1024);
        keep(square, words[2], 256);
        keep(small, words[2], 64);
        homeroom_vips_release(small);
        homeroom_vips_release(square);
        homeroom_vips_release(crop);
        homeroom_vips_release(avatar);
        homeroom_vips_release(fitted);
        g_free(bytes);
    }
    printf("%d\n", done);
    return 0;
}
