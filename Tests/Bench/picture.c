// A picture like a phone's: 3:4, smooth with some noise, of about so many KiB.
// usage: picture WIDTH NOISE QUALITY FILE
#include <stdlib.h>
#include <vips/vips.h>

int main(int count, char **words) {
    if (count != 5 || VIPS_INIT(words[0]) != 0) return 2;
    int width = atoi(words[1]), height = width * 3 / 4;
    VipsImage *bands[3], *colours, *bytes;
    for (int band = 0; band < 3; band++) {
        VipsImage *noise, *waves, *wide;
        if (vips_gaussnoise(&noise, width, height, "sigma", atof(words[2]), "mean", 0.0, "seed", band + 1, NULL) != 0 ||
            vips_perlin(&waves, width, height, "cell_size", 256 + band, "uchar", TRUE, "seed", band + 1, NULL) != 0 ||
            vips_add(waves, noise, &wide, NULL) != 0)
            return 1;
        bands[band] = wide;
    }
    if (vips_bandjoin(bands, &colours, 3, NULL) != 0 || vips_cast_uchar(colours, &bytes, NULL) != 0) return 1;
    return vips_jpegsave(bytes, words[4], "Q", atoi(words[3]), NULL) == 0 ? 0 : 1;
}
