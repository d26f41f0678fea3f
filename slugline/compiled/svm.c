/* A linear support vector machine with squared hinge loss, by dual coordinate descent with shrinking
 * (Hsieh, Chang, Lin, Keerthi and Sundararajan, 2008). The same problem as scikit-learn's LinearSVC, with a random
 * generator of each call's own, so that topics may be learned at the same time and still come out the same.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
    const int64_t *starts;
    const int32_t *columns;
    const double *values;
} Rows;

static uint64_t next_random(uint64_t *state) {
    uint64_t x = (*state += 0x9E3779B97F4A7C15ULL);
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

static double dot(const Rows *rows, int64_t row, const double *weights) {
    double sum = 0.0;
    for (int64_t i = rows->starts[row]; i < rows->starts[row + 1]; i++) sum += rows->values[i] * weights[rows->columns[i]];
    return sum;
}

static void add(const Rows *rows, int64_t row, double factor, double *weights) {
    for (int64_t i = rows->starts[row]; i < rows->starts[row + 1]; i++) weights[rows->columns[i]] += factor * rows->values[i];
}

/* labels are 1 and -1, penalties the C of each row. `weights` (features) and `bias` come out; the bias counts as the
 * weight of a feature that is always 1. Returns how many passes it took, -1 where memory ran out. */
int64_t slugline_fit_svm(const int64_t *starts, const int32_t *columns, const double *values, int64_t rows_count,
                         int64_t features, const double *labels, const double *penalties, double tolerance,
                         int64_t most_passes, uint64_t seed, double *weights, double *bias) {
    Rows rows = {starts, columns, values};
    int64_t active = rows_count, passes = 0;
    double *alphas = calloc((size_t)rows_count + 1, sizeof *alphas);
    double *curvatures = malloc(((size_t)rows_count + 1) * sizeof *curvatures);
    int64_t *order = malloc(((size_t)rows_count + 1) * sizeof *order);
    if (!alphas || !curvatures || !order) {
        free(alphas);
        free(curvatures);
        free(order);
        return -1;
    }
    for (int64_t j = 0; j < features; j++) weights[j] = 0.0;
    *bias = 0.0;
    for (int64_t i = 0; i < rows_count; i++) {
        double squares = 1.0 + 0.5 / penalties[i];
        for (int64_t k = starts[i]; k < starts[i + 1]; k++) squares += values[k] * values[k];
        curvatures[i] = squares;
        order[i] = i;
    }
    double shrink_above = INFINITY;
    while (passes < most_passes) {
        double highest = -INFINITY, lowest = INFINITY;
        passes++;
        for (int64_t i = active - 1; i > 0; i--) {
            int64_t j = (int64_t)(next_random(&seed) % (uint64_t)(i + 1)), other = order[i];
            order[i] = order[j];
            order[j] = other;
        }
        for (int64_t at = 0; at < active; at++) {
            int64_t i = order[at];
            double gradient = labels[i] * (dot(&rows, i, weights) + *bias) - 1.0 + alphas[i] * 0.5 / penalties[i];
            double projected = gradient;
            if (alphas[i] == 0.0 && gradient >= 0.0) {
                projected = 0.0;
                if (gradient > shrink_above) { /* it will stay at 0: leave it out for now */
                    order[at--] = order[--active];
                    order[active] = i;
                    continue;
                }
            }
            if (projected > highest) highest = projected;
            if (projected < lowest) lowest = projected;
            if (fabs(projected) < 1e-12) continue;
            double before = alphas[i];
            alphas[i] = before - gradient / curvatures[i] > 0.0 ? before - gradient / curvatures[i] : 0.0;
            double step = (alphas[i] - before) * labels[i];
            add(&rows, i, step, weights);
            *bias += step;
        }
        if (highest - lowest <= tolerance) {
            if (active == rows_count) break;
            active = rows_count; /* those left out have a last word */
            shrink_above = INFINITY;
            continue;
        }
        shrink_above = highest > 0.0 ? highest : INFINITY;
    }
    free(alphas);
    free(curvatures);
    free(order);
    return passes;
}
