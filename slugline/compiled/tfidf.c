/* TF-IDF of chosen rows of counted matrices, without copying the rows first. */
#include <math.h>
#include <stdint.h>

/* One family of features: a sparse matrix of damped counts, and the idf of its columns, 0 for columns to leave out. */
typedef struct {
    const int64_t *starts;
    const int32_t *columns;
    const double *frequencies;
    const double *idf;
    int64_t width;
} Block;

/* In how many of the chosen rows each column is; `found` begins as zeros. */
void slugline_document_frequencies(const int64_t *starts, const int32_t *columns, const int64_t *rows, int64_t count,
                                   int64_t *found) {
    for (int64_t r = 0; r < count; r++)
        for (int64_t i = starts[rows[r]]; i < starts[rows[r] + 1]; i++) found[columns[i]]++;
}

/* The chosen rows of all blocks side by side: frequencies x idf, each block's part of a row divided by its Euclidean
 * norm. `out_starts` has room for count + 1 numbers, the others for every entry of the rows. */
void slugline_tfidf(const Block *blocks, int32_t block_count, const int64_t *rows, int64_t count, int64_t *out_starts,
                    int32_t *out_columns, double *out_values) {
    int64_t written = out_starts[0] = 0;
    for (int64_t r = 0; r < count; r++) {
        int64_t offset = 0;
        for (int32_t b = 0; b < block_count; b++) {
            const Block *block = &blocks[b];
            int64_t first = written;
            double squares = 0.0;
            for (int64_t i = block->starts[rows[r]]; i < block->starts[rows[r] + 1]; i++) {
                double idf = block->idf[block->columns[i]], value = block->frequencies[i] * idf;
                if (idf == 0.0) continue;
                out_columns[written] = (int32_t)(block->columns[i] + offset);
                out_values[written++] = value;
                squares += value * value;
            }
            double scale = squares > 0.0 ? 1.0 / sqrt(squares) : 0.0;
            for (int64_t i = first; i < written; i++) out_values[i] *= scale;
            offset += block->width;
        }
        out_starts[r + 1] = written;
    }
}
