// The part of libFuzzer that programs with a main function of their own call. (https://llvm.org/docs/LibFuzzer.html)
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *count, char ***words, int (*run)(const uint8_t *start, size_t count));
