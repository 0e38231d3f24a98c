/* The kernels, for one instruction set.

   Included by `kernels.c` once for each, which says: SET, its name; WIDTH, bytes of a vector; LANES, float32 sums that
   fit beside each other; LOOK_UP(table, at), a table of 16 bytes asked at WIDTH places at once; HAS_HALF where the
   processor reads float16; HAS_POPCOUNT where it counts the bits of a vector's words.

   The distance of a row to a query row is looked up four bits at a time: what they add is one of 16 numbers, which the
   query alone decides, whatever its planes. WIDTH neighbouring rows are a tile; it is split into its nibbles once, and
   then meets all query rows. The last tile ends with the last row and may overlap the one before. */

typedef uint8_t NAME(bytes) __attribute__((vector_size(WIDTH)));
typedef uint16_t NAME(shorts) __attribute__((vector_size(WIDTH)));
typedef float NAME(lanes) __attribute__((vector_size(4 * LANES), aligned(4)));
typedef uint32_t NAME(integers) __attribute__((vector_size(4 * LANES)));
typedef uint16_t NAME(halves) __attribute__((vector_size(2 * LANES), aligned(2)));
#define bytes NAME(bytes)
#define shorts NAME(shorts)
#define lanes NAME(lanes)
#define integers NAME(integers)
#define halves NAME(halves)

static inline shorts NAME(lesser)(shorts a, shorts b) { return __builtin_elementwise_min(a, b); }

/* The nibbles of WIDTH neighbouring words, as vectors [8]. */
static inline void NAME(split_word)(const uint32_t *x, bytes *nibbles) {
    typedef uint32_t tile __attribute__((vector_size(4 * WIDTH), aligned(4)));
    for (int c = 0; c < 4; c++) {
        bytes both = __builtin_convertvector(*(const tile *)x >> (8 * c), bytes);
        nibbles[2 * c] = both & 15;
        nibbles[2 * c + 1] = both >> 4;
    }
}

/* The nibbles of the tile that starts with a row of a block [words, n], as vectors [words * 8]. */
static inline void NAME(split)(const uint32_t *block, int64_t n, int64_t start, int64_t words, bytes *nibbles) {
    uint32_t padded[WIDTH];
    for (int64_t w = 0; w < words; w++) {
        const uint32_t *x = block + w * n + start;
        if (n < WIDTH) { /* the last row fills the tile: a minimum does not mind */
            for (int64_t i = 0; i < WIDTH; i++) padded[i] = x[i < n ? i : n - 1];
            x = padded;
        }
        NAME(split_word)(x, nibbles + w * WORD_NIBBLES);
    }
}

/* Distances of a tile to TOGETHER query rows, its even and its odd rows; `few` look-ups fit a byte. */
static inline __attribute__((always_inline)) void NAME(meet)(
    const bytes *nibbles, const uint8_t *tables, int64_t groups, int64_t heavy, const int few, shorts (*out)[2]) {
    for (int t = 0; t < TOGETHER; t++) out[t][0] = out[t][1] = (shorts){0};
    for (int64_t g = 0; g < groups; g++) {
        shorts all[TOGETHER] = {{0}}, odd[TOGETHER] = {{0}}; /* all: even + 256 odd, modulo 65536 */
#pragma clang loop unroll(full)
        for (int i = 0; i < GROUP_NIBBLES; i += few) {
            bytes sum[TOGETHER] = {{0}};
#pragma clang loop unroll(full)
            for (int k = i; k < i + few; k++) {
                bytes at = nibbles[g * GROUP_NIBBLES + k];
                for (int t = 0; t < TOGETHER; t++)
                    sum[t] += LOOK_UP(tables + ((t * groups + g) * GROUP_NIBBLES + k) * TABLE, at);
            }
            for (int t = 0; t < TOGETHER; t++) {
                all[t] += (shorts)sum[t];
                odd[t] += (shorts)sum[t] >> 8;
            }
        }
        int twice = g < heavy;
        for (int t = 0; t < TOGETHER; t++) {
            out[t][0] += (all[t] - (odd[t] << 8)) << twice;
            out[t][1] += odd[t] << twice;
        }
    }
}

static inline void NAME(meet_any)(
    const bytes *nibbles, const uint8_t *tables, const struct query *query, shorts (*out)[2]) {
    int64_t groups = query->words / GROUP_WORDS, heavy = query->heavy / GROUP_WORDS;
    if (query->planes == 1)
        NAME(meet)(nibbles, tables, groups, heavy, GROUP_NIBBLES, out);
    else
        NAME(meet)(nibbles, tables, groups, heavy, 4, out);
}

/* Where things lie in the memory that the caller brings. */
struct NAME(memory) {
    uint8_t *tables;
    bytes *nibbles;
    shorts *least;
    uint16_t *distances;
    float *scores;
};

static inline struct NAME(memory) NAME(laid)(const struct query *query, uint8_t *scratch, int64_t longest) {
    int64_t nibbles = query->words * WORD_NIBBLES, m = even(query->m);
    struct NAME(memory) memory;
    memory.nibbles = (bytes *)scratch; /* first what has to be aligned, as the scratch is */
    memory.least = (shorts *)(scratch + nibbles * WIDTH);
    memory.tables = (uint8_t *)(memory.least + m);
    memory.scores = (float *)(memory.tables + m * nibbles * TABLE);
    memory.distances = (uint16_t *)(memory.scores + longest + 1);
    return memory;
}

/* The least distance of a page's n rows to each query row, into memory.least, lane by lane. */
static inline void NAME(nearest)(
    const uint32_t *block, int64_t n, const struct query *query, const struct NAME(memory) *memory) {
    int64_t row_tables = query->words * WORD_NIBBLES * TABLE;
    for (int64_t j = 0; j < query->m; j++) memory->least[j] = ~(shorts){0};
    for (int64_t tile = 0; tile < n; tile += WIDTH) {
        int64_t start = tile + WIDTH <= n || n < WIDTH ? tile : n - WIDTH;
        NAME(split)(block, n, start, query->words, memory->nibbles);
        for (int64_t j = 0; j < query->m; j += TOGETHER) {
            shorts found[TOGETHER][2];
            NAME(meet_any)(memory->nibbles, memory->tables + j * row_tables, query, found);
            for (int t = 0; t < TOGETHER; t++)
                memory->least[j + t] = NAME(lesser)(memory->least[j + t], NAME(lesser)(found[t][0], found[t][1]));
        }
    }
}

#ifdef HAS_POPCOUNT
/* The least distance of a page's n >= 32 rows to one plane. Counted, not looked up: with one plane that is less work. */
static inline __attribute__((always_inline)) uint32_t NAME(nearest_sign)(
    const uint32_t *block, int64_t n, const uint32_t *plane, const int64_t words) {
    typedef uint32_t counts __attribute__((vector_size(64), aligned(4)));
    counts least[2] = {~(counts){0}, ~(counts){0}};
    for (int64_t tile = 0; tile < n; tile += 32) {
        const uint32_t *x = block + (tile + 32 <= n ? tile : n - 32);
        counts sum[2] = {{0}};
        for (int64_t w = 0; w < words; w++)
            for (int half = 0; half < 2; half++)
                sum[half] += __builtin_elementwise_popcount(*(const counts *)(x + w * n + 16 * half) ^ plane[w]);
        for (int half = 0; half < 2; half++) least[half] = __builtin_elementwise_min(least[half], sum[half]);
    }
    return __builtin_reduce_min(__builtin_elementwise_min(least[0], least[1]));
}

static inline void NAME(nearest_signs)(
    const uint32_t *block, int64_t n, const struct query *query, const struct NAME(memory) *memory) {
    for (int64_t j = 0; j < query->m; j++) {
        const uint32_t *plane = query->bits + j * query->words;
        int64_t words = query->words;
        uint32_t least = words == 4    ? NAME(nearest_sign)(block, n, plane, 4)
                         : words == 12 ? NAME(nearest_sign)(block, n, plane, 12)
                                       : NAME(nearest_sign)(block, n, plane, words);
        memory->least[j] = (shorts){0} + (uint16_t)least;
    }
}
#endif

static inline uint16_t NAME(least_of)(const uint16_t *distances, int64_t count) {
    uint16_t least = UINT16_MAX;
    for (int64_t i = 0; i < count; i++) least = distances[i] < least ? distances[i] : least;
    return least;
}

/* A tile's distances to one query row, row by row: an even and an odd one are a number of 32 bits. */
static inline void NAME(in_order)(const shorts *found, uint16_t *distances) {
    typedef uint32_t pairs __attribute__((vector_size(2 * WIDTH), aligned(2), may_alias));
    *(pairs *)distances = __builtin_convertvector(found[0], pairs) | __builtin_convertvector(found[1], pairs) << 16;
}

/* Estimated MaxSim of the chosen pages from `k` on whose rows fit into one tile together, at least one of them; the
   first page that does not fit, or is not there. Where pages have few rows, one in each tile would leave it empty. */
static inline int64_t NAME(maxsim_together)(
    const struct pages *pages, const struct query *query, const struct NAME(memory) *memory, int64_t k, float *out) {
    const uint32_t *blocks[WIDTH];
    int64_t sizes[WIDTH], places[WIDTH], used = 0, held = 0;
    for (; k < pages->count; k++) {
        int64_t n, first = span(pages->rows, pages->known, pages->chosen[k], query->words, pages->size, &n);
        if (first < 0 || used + n > WIDTH) break;
        out[k] = n ? 0 : -__builtin_inff();
        if (n == 0) continue;
        blocks[held] = pages->bits + first * query->words;
        places[held] = k;
        sizes[held++] = n;
        used += n;
    }
    uint32_t words[WIDTH] = {0};
    for (int64_t w = 0; w < query->words; w++) {
        uint32_t *into = words;
        for (int64_t p = 0; p < held; p++)
            for (int64_t i = 0; i < sizes[p]; i++) *into++ = blocks[p][w * sizes[p] + i];
        NAME(split_word)(words, memory->nibbles + w * WORD_NIBBLES);
    }
    int64_t row_tables = query->words * WORD_NIBBLES * TABLE;
    for (int64_t j = 0; j < query->m; j += TOGETHER) {
        shorts found[TOGETHER][2];
        NAME(meet_any)(memory->nibbles, memory->tables + j * row_tables, query, found);
        for (int t = 0; t < TOGETHER && j + t < query->m; t++) {
            uint16_t distances[WIDTH], *row = distances;
            NAME(in_order)(found[t], distances);
            for (int64_t p = 0; p < held; row += sizes[p++])
                out[places[p]] += query->offset[j + t] + query->slope[j + t] * (float)NAME(least_of)(row, sizes[p]);
        }
    }
    return k;
}

/* Estimated MaxSim of each chosen page; minus infinity for one without rows. -1, or the place of a page that is not
   there. */
PUBLIC int64_t NAME(maxsim)(const struct pages *pages, const struct query *query, uint8_t *scratch, float *out) {
    struct NAME(memory) memory = NAME(laid)(query, scratch, 0);
    tabulate(query, memory.tables);
    for (int64_t k = 0; k < pages->count; k++) {
        int64_t n, first = span(pages->rows, pages->known, pages->chosen[k], query->words, pages->size, &n);
        if (first < 0) return k;
        if (n <= WIDTH / 2) {
            k = NAME(maxsim_together)(pages, query, &memory, k, out) - 1;
            continue;
        }
        const uint32_t *block = pages->bits + first * query->words;
#ifdef HAS_POPCOUNT
        if (query->planes == 1 && query->heavy == 0 && n >= 32)
            NAME(nearest_signs)(block, n, query, &memory);
        else
#endif
            NAME(nearest)(block, n, query, &memory);
        out[k] = 0;
        for (int64_t j = 0; j < query->m; j++)
            out[k] += query->offset[j] + query->slope[j] * (float)__builtin_reduce_min(memory.least[j]);
    }
    return -1;
}

/* Distances of a page's n rows to all query rows, uint16 [m, longest]. */
static inline void NAME(measure)(
    const uint32_t *block, int64_t n, int64_t longest, const struct query *query, const struct NAME(memory) *memory) {
    int64_t row_tables = query->words * WORD_NIBBLES * TABLE;
    for (int64_t tile = 0; tile < n; tile += WIDTH) {
        int64_t start = tile + WIDTH <= n || n < WIDTH ? tile : n - WIDTH;
        NAME(split)(block, n, start, query->words, memory->nibbles);
        for (int64_t j = 0; j < query->m; j += TOGETHER) {
            shorts found[TOGETHER][2];
            NAME(meet_any)(memory->nibbles, memory->tables + j * row_tables, query, found);
            for (int t = 0; t < TOGETHER && j + t < query->m; t++) {
                uint16_t both[WIDTH], *into = memory->distances + (j + t) * longest + start;
                NAME(in_order)(found[t], both);
                if (n < WIDTH)
                    for (int64_t i = 0; i < n; i++) into[i] = both[i];
                else
                    for (int i = 0; i < WIDTH; i++) into[i] = both[i];
            }
        }
    }
}

static inline float NAME(greater)(float a, float b) { return a > b ? a : b; }

/* Score and first row of each page's best window; context float32 [m, pages] is what a row has at least. The first
   `head` rows of a page count in every window. window >= stride >= 1; `longest` is the most rows of a chosen page. */
PUBLIC int64_t NAME(regions)(
    const struct pages *pages, const struct query *query, int64_t longest, uint8_t *scratch, int64_t window,
    int64_t stride, int64_t head, const float *context, float *out, int64_t *start) {
    struct NAME(memory) memory = NAME(laid)(query, scratch, longest);
    tabulate(query, memory.tables);
    for (int64_t k = 0; k < pages->count; k++) {
        int64_t n, first = span(pages->rows, pages->known, pages->chosen[k], query->words, pages->size, &n);
        if (first < 0 || n > longest) return k;
        out[k] = -__builtin_inff();
        start[k] = 0;
        if (n == 0) continue;
        NAME(measure)(pages->bits + first * query->words, n, longest, query, &memory);
        int64_t count = n > window ? 1 + (n - window + stride - 1) / stride : 1;
        for (int64_t r = 0; r < count; r++) memory.scores[r] = 0;
        for (int64_t j = 0; j < query->m; j++) {
            const uint16_t *distances = memory.distances + j * longest;
            float offset = query->offset[j], slope = query->slope[j], least = context[j * pages->count + k];
            if (head > 0)
                least = NAME(greater)(least, offset + slope * (float)NAME(least_of)(distances, head < n ? head : n));
            for (int64_t r = 0; r < count; r++) {
                int64_t from = r * stride, rows = window < n - from ? window : n - from;
                memory.scores[r] += NAME(greater)(offset + slope * (float)NAME(least_of)(distances + from, rows), least);
            }
        }
        for (int64_t r = 0; r < count; r++)
            if (memory.scores[r] > out[k]) {
                out[k] = memory.scores[r];
                start[k] = r * stride;
            }
    }
    return -1;
}

/* Each query row's best similarity in one window of each page or its first `head` rows, float32 [m, pages]; minus
   infinity where that is no row. */
PUBLIC int64_t NAME(maxima)(
    const struct pages *pages, const struct query *query, int64_t longest, uint8_t *scratch, const int64_t *start,
    const int64_t *end, int64_t head, float *out) {
    struct NAME(memory) memory = NAME(laid)(query, scratch, longest);
    tabulate(query, memory.tables);
    for (int64_t k = 0; k < pages->count; k++) {
        int64_t n, first = span(pages->rows, pages->known, pages->chosen[k], query->words, pages->size, &n);
        if (first < 0 || n > longest) return k;
        if (k == 0 || pages->chosen[k] != pages->chosen[k - 1]) /* many windows of one page follow each other */
            NAME(measure)(pages->bits + first * query->words, n, longest, query, &memory);
        int64_t from = start[k] > 0 ? start[k] : 0, to = end[k] < n ? end[k] : n, top = head < n ? head : n;
        for (int64_t j = 0; j < query->m; j++) {
            const uint16_t *distances = memory.distances + j * longest;
            uint16_t least = UINT16_MAX, at_head = NAME(least_of)(distances, top);
            if (from < to) least = NAME(least_of)(distances + from, to - from);
            least = at_head < least ? at_head : least;
            int is_found = from < to || top > 0;
            out[j * pages->count + k] = is_found ? query->offset[j] + query->slope[j] * (float)least : -__builtin_inff();
        }
    }
    return -1;
}

/* Float16 values, by their bits, as float32. */
static inline lanes NAME(widened)(halves x) {
#ifdef HAS_HALF
    typedef _Float16 numbers __attribute__((vector_size(2 * LANES)));
    return __builtin_convertvector((numbers)x, lanes);
#else /* the exponent is shifted to its place and corrected by a product, which is exact for subnormal numbers too */
    integers bits = __builtin_convertvector(x, integers);
    lanes size = (lanes)((bits & 0x7fff) << 13) * 0x1p112f;
    return (lanes)((integers)size | (bits & 0x8000) << 16);
#endif
}

/* a * b + c, rounded once where the processor can. */
static inline lanes NAME(product)(lanes a, float b, lanes c) {
#ifdef HAS_HALF
    return __builtin_elementwise_fma(a, b - (lanes){0}, c);
#else
    return a * b + c;
#endif
}

/* Exact MaxSim of each chosen page; minus infinity for one without rows. query float32 [m, d]; m is a multiple of
   four. best float32 [m, 32] is memory to use. */
PUBLIC int64_t NAME(exact)(
    const struct tiles *pages, const float *query, int64_t m, int64_t d, float *best, float *out) {
    lanes *greatest = (lanes *)best;
    for (int64_t k = 0; k < pages->count; k++) {
        int64_t n, first = span(pages->tiles, pages->known, pages->chosen[k], d * TILE, pages->size, &n);
        if (first < 0) return k;
        for (int64_t j = 0; j < m; j++) greatest[j] = (lanes){0} - __builtin_inff();
        for (int64_t half = first * TILE; half < (first + n) * TILE; half += LANES) {
            const uint16_t *values = pages->values + half / TILE * TILE * d + half % TILE;
            for (int64_t j = 0; j < m; j += TILE_ROWS) {
                lanes sum[TILE_ROWS] = {{0}};
                for (int64_t i = 0; i < d; i++) {
                    __builtin_prefetch(values + (d + i) * TILE, 0, 2); /* past the end it is no fault */
                    lanes x = NAME(widened)(*(const halves *)(values + i * TILE));
                    for (int t = 0; t < TILE_ROWS; t++) sum[t] = NAME(product)(x, query[(j + t) * d + i], sum[t]);
                }
                for (int t = 0; t < TILE_ROWS; t++) greatest[j + t] = __builtin_elementwise_max(sum[t], greatest[j + t]);
            }
        }
        float total = n ? 0 : -__builtin_inff();
        for (int64_t j = 0; n && j < m; j++) total += __builtin_reduce_max(greatest[j]);
        out[k] = total;
    }
    return -1;
}

#undef bytes
#undef shorts
#undef lanes
#undef integers
#undef halves
#undef SET
#undef WIDTH
#undef LANES
#undef LOOK_UP
#undef HAS_HALF
#undef HAS_POPCOUNT
