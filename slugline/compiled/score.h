/* Scoring. */
#ifndef SLUGLINE_SCORE_H
#define SLUGLINE_SCORE_H

#include "reading.h"

/* The score, 1 / (1 + exp(-raw score)), of `documents` texts that lie behind one another in `text`, ends[d] being the
 * end of text d. `all_scores` has documents x topics numbers; `tokens` has documents x 2: how many tokens the first
 * family read, and how many of them it knows. Returns 0, or 1 where memory ran out. */
int slugline_scores(const Model *model, Scratch *scratch, const uint32_t *text, const int64_t *ends, int64_t documents,
                    double *all_scores, int64_t *tokens);

#endif
