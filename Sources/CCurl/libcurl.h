#pragma once
#include <curl/curl.h>

static inline CURLcode homeroom_curl_set_text(CURL *handle, CURLoption option, const char *text) { /* variadic */
    return curl_easy_setopt(handle, option, text);
}

static inline CURLcode homeroom_curl_set_number(CURL *handle, CURLoption option, long number) { /* variadic */
    return curl_easy_setopt(handle, option, number);
}

static inline CURLcode homeroom_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *list) { /* variadic */
    return curl_easy_setopt(handle, option, list);
}

/// Fills `buffer` with up to `size` bytes of the message; 0 at its end.
typedef size_t (*homeroom_curl_source)(char *buffer, size_t item, size_t count, void *context);

static inline CURLcode homeroom_curl_set_source(
    CURL *handle, homeroom_curl_source source, void *context) { /* variadic */
    CURLcode code = curl_easy_setopt(handle, CURLOPT_READFUNCTION, source);
    return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_READDATA, context);
}
