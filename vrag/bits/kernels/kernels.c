/* MaxSim over packed bits and over float16 tiles, for each instruction set in turn.

   The processor is asked once which of them it has; the caller takes the first. What every set does is written in
   `scoring.h`, which is included once for each. Nothing here allocates, and nothing of a C library is called: whoever
   calls brings the memory, and one file serves every Linux. Whatever a caller says of pages is checked before it is
   read, for it comes from files. */

#include <stdint.h>

#if defined(_WIN32)
#define PUBLIC __attribute__((visibility("default"), dllexport))
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

enum {
    GROUP_WORDS = 4,                /* rows are read 128 bits at a time */
    WORD_NIBBLES = 8,
    GROUP_NIBBLES = 32,
    TABLE = 16,                     /* bytes: what each value of four bits is worth */
    TOGETHER = 2,                   /* query rows that meet a tile of bits at a time */
    WIDEST = 64,                    /* bytes of the widest vector */
    TILE = 32,                      /* float16 rows side by side */
    TILE_ROWS = 4,                  /* query rows that meet them at a time */
};

/* The chosen pages: `bits` holds page after page, each [words, n]; page p has the rows from rows[p] to rows[p + 1]. */
struct pages {
    const uint32_t *bits;
    int64_t size;                   /* of bits */
    const int64_t *rows;
    int64_t known;                  /* pages that rows tells of */
    const int64_t *chosen;
    int64_t count;                  /* of chosen */
};

/* A query's m rows as bits [m, planes, words]; the first `heavy` words count twice. planes <= 4. */
struct query {
    const uint32_t *bits;
    const float *offset, *slope;
    int64_t m, planes, words, heavy;
};

/* Float16 rows by their bits: values [tiles, d, 32]; page p has the tiles from tiles[p] to tiles[p + 1]. */
struct tiles {
    const uint16_t *values;
    int64_t size;
    const int64_t *tiles;
    int64_t known;
    const int64_t *chosen;
    int64_t count;
};

#if defined(_WIN32)
/* What Windows calls when it loads a library. */
int DllMainCRTStartup(void *library, unsigned reason, void *reserved) {
    return library != 0 || reason != 0 || reserved != 0 || 1;
}
#endif

/* First row of a page, and into n how many there are; -1 for a page that is not there or is said to end elsewhere. */
static int64_t span(const int64_t *starts, int64_t known, int64_t page, int64_t step, int64_t size, int64_t *n) {
    if (page < 0 || page >= known) return -1;
    int64_t first = starts[page], end = starts[page + 1];
    if (first < 0 || end < first || end > size / step) return -1;
    *n = end - first;
    return first;
}

static int64_t even(int64_t m) { return (m + TOGETHER - 1) / TOGETHER * TOGETHER; }

/* Bytes of memory that a kernel over bits wants, for what `memory` in `scoring.h` names. */
PUBLIC int64_t scratch_bytes(int64_t m, int64_t words, int64_t longest) {
    int64_t nibbles = words * WORD_NIBBLES;
    return nibbles * WIDEST + even(m) * (WIDEST + nibbles * TABLE + 2 * longest) + 4 * (longest + 1);
}

/* What four bits of a page row add to its distance, for every value of theirs: [even(m), nibbles, 16]. */
static void tabulate(const struct query *query, uint8_t *tables) {
    int64_t nibbles = query->words * WORD_NIBBLES;
    for (int64_t j = 0; j < even(query->m); j++)
        for (int64_t k = 0; k < nibbles; k++) {
            uint8_t *table = tables + (j * nibbles + k) * TABLE;
            for (int value = 0; value < TABLE; value++) table[value] = 0;
            for (int64_t p = 0; j < query->m && p < query->planes; p++) {
                const uint32_t *plane = query->bits + (j * query->planes + p) * query->words;
                uint32_t own = plane[k / WORD_NIBBLES] >> (k % WORD_NIBBLES * 4) & 15;
                for (uint32_t value = 0; value < TABLE; value++) {
                    uint32_t x = value ^ own;
                    table[value] += ((x & 1) + (x >> 1 & 1) + (x >> 2 & 1) + (x >> 3)) << p;
                }
            }
        }
}

#define JOIN(a, b) a##_##b
#define JOINED(a, b) JOIN(a, b)
#define NAME(name) JOINED(name, SET)

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define SET ssse3
#define WIDTH 16
#define LANES 8
#define LOOK_UP(table, at) (bytes)_mm_shuffle_epi8(_mm_loadu_si128((const void *)(table)), (__m128i)(at))
#pragma clang attribute push(__attribute__((target("ssse3"))), apply_to = function)
#include "scoring.h"
#pragma clang attribute pop

#define SET avx2
#define WIDTH 32
#define LANES 16
#define HAS_HALF
#define LOOK_UP(table, at) \
    (bytes)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(table))), (__m256i)(at))
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "scoring.h"
#pragma clang attribute pop

#define SET avx512
#define WIDTH 32
#define LANES 32
#define HAS_HALF
#define HAS_POPCOUNT
#define LOOK_UP(table, at) \
    (bytes)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(table))), (__m256i)(at))
#pragma clang attribute push( \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq"))), \
    apply_to = function)
#include "scoring.h"
#pragma clang attribute pop

/* The sets that this machine can run, best first: the processor has them, and the system keeps their registers. */
PUBLIC const char *instruction_sets(void) {
    uint32_t a, b, c, d, b7 = 0, c7 = 0, kept = 0, upper;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3)) return "";
    if (c & bit_OSXSAVE) __asm__("xgetbv" : "=a"(kept), "=d"(upper) : "c"(0));
    __get_cpuid_count(7, 0, &a, &b7, &c7, &d);
    int avx2 = c & bit_FMA && c & bit_F16C && b7 & bit_AVX2 && (kept & 0x06) == 0x06;
    int avx512 = b7 & bit_AVX512F && b7 & bit_AVX512BW && b7 & bit_AVX512DQ && b7 & bit_AVX512VL &&
                 c7 & bit_AVX512VPOPCNTDQ && (kept & 0xe6) == 0xe6;
    return !avx2 ? "ssse3" : avx512 ? "avx512 avx2 ssse3" : "avx2 ssse3";
}

#elif defined(__aarch64__)
#include <arm_neon.h>

#define SET neon
#define WIDTH 16
#define LANES 16
#define HAS_HALF
#define LOOK_UP(table, at) (bytes) vqtbl1q_u8(vld1q_u8(table), (uint8x16_t)(at))
#include "scoring.h"

/* The sets that this machine can run: every arm64 has NEON. */
PUBLIC const char *instruction_sets(void) { return "neon"; }

#else
#error "no instruction set of this processor is known here"
#endif
