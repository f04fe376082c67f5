#pragma once

/* SHA256_Init and its kin are marked deprecated since OpenSSL 3.0: SHA256.swift says why we use them. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
