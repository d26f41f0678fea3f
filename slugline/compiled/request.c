/* Requests: from the bytes of a slugline.v1.ClassifyRequest to scores, where it is plain, as nearly all are: one document and
 * nothing else, in characters of which each has one lower-case form. What is not plain is left to those who parse messages;
 * so what is read here is never read otherwise there.
 */
#include "memory.h"
#include "score.h"

#define NOT_PLAIN 2
#define LONGEST_ID 127 /* in bytes, so that the reply says its length in one */

/* A tag is the number of a field and how it is written: here always as its length and so many bytes. */
enum { DOCUMENT = 1 << 3 | 2, ID = 1 << 3 | 2, TITLE = 2 << 3 | 2, TEXT = 3 << 3 | 2 };

typedef struct {
    const uint8_t *at, *end;
} Bytes;

/* What requests are read with, and what a plain one gives: the `scores` and `tokens` of its document, as `slugline_scores`
 * has them for one text, where in its bytes the id stands, from the first to the one after the last, and how many characters
 * were read. `lower_case` has of each character below 0x10000 its lower-case form, and 0 where that is not plain. */
typedef struct {
    const Model *model;
    Scratch *scratch;
    const uint16_t *lower_case;
    double *scores;
    int64_t *tokens;
    int64_t id_start, id_end, characters;
} Request;

/* Takes the next field from `bytes`. Returns its tag, or 0 where there is none, or none that is plain. */
static uint8_t take_field(Bytes *bytes, Bytes *field) {
    if (bytes->end - bytes->at < 2) return 0;
    uint8_t tag = *bytes->at++, byte = 0x80;
    uint64_t length = 0;
    for (int shift = 0; byte & 0x80; shift += 7) {
        if (bytes->at == bytes->end || shift > 21) return 0;
        byte = *bytes->at++;
        length |= (uint64_t)(byte & 0x7F) << shift;
    }
    if (length > (uint64_t)(bytes->end - bytes->at)) return 0;
    *field = (Bytes){bytes->at, bytes->at + length};
    bytes->at += length;
    return tag;
}

static int is_ascii(Bytes bytes) {
    uint8_t all = 0;
    for (const uint8_t *at = bytes.at; at < bytes.end; at++) all |= *at;
    return all < 0x80;
}

static inline int continues(const uint8_t *at) { return (*at & 0xC0) == 0x80; }

/* The character at `*at`, which goes on to the next; 0 where it is not the shortest UTF-8 of one below 0x10000. */
static inline uint32_t take_character(const uint8_t **at, const uint8_t *end) {
    const uint8_t *here = *at;
    uint32_t first = *here;
    if (first < 0x80) {
        *at = here + 1;
        return first;
    }
    if (first < 0xE0 && end - here > 1 && continues(here + 1)) {
        uint32_t character = (first & 0x1F) << 6 | (here[1] & 0x3F);
        *at = here + 2;
        return first >= 0xC0 && character >= 0x80 ? character : 0;
    }
    if (first >= 0xE0 && first < 0xF0 && end - here > 2 && continues(here + 1) && continues(here + 2)) {
        uint32_t character = (first & 0xF) << 12 | (uint32_t)(here[1] & 0x3F) << 6 | (here[2] & 0x3F);
        *at = here + 3;
        return character >= 0x800 ? character : 0;
    }
    return 0;
}

/* Writes the lower-case characters of `bytes` to `text`. Returns how many, or -1 where one has no plain lower-case form. */
static int64_t lower(Bytes bytes, const uint16_t *lower_case, uint32_t *text) {
    int64_t length = 0;
    while (bytes.at < bytes.end) {
        text[length] = lower_case[take_character(&bytes.at, bytes.end)];
        if (!text[length++]) return -1;
    }
    return length;
}

static int has_letter(const uint32_t *text, int64_t length, const uint8_t *classes) {
    for (int64_t i = 0; i < length; i++)
        if (classes[text[i]] & LETTER) return 1;
    return 0;
}

/* Finds the fields of the one document. Returns 0, or NOT_PLAIN. */
static int find_fields(Bytes request, Bytes *id, Bytes *title, Bytes *text) {
    Bytes document, field;
    if (take_field(&request, &document) != DOCUMENT || request.at < request.end) return NOT_PLAIN;
    while (document.at < document.end) {
        uint8_t tag = take_field(&document, &field);
        Bytes *place = tag == ID ? id : tag == TITLE ? title : tag == TEXT ? text : NULL;
        if (!place || place->at) return NOT_PLAIN;
        *place = field;
    }
    return text->at && id->end - id->at <= LONGEST_ID && is_ascii(*id) ? 0 : NOT_PLAIN;
}

/* Scores the document of a plain request. Returns 0, 1 where memory ran out, or NOT_PLAIN. */
int slugline_request(Request *request, const uint8_t *raw, int64_t length) {
    const uint16_t *lower_case = request->lower_case;
    Scratch *scratch = request->scratch;
    Bytes id = {NULL, NULL}, title = {NULL, NULL}, text = {NULL, NULL};
    if (find_fields((Bytes){raw, raw + length}, &id, &title, &text)) return NOT_PLAIN;
    if (length > scratch->lowered_room) {
        if (grow(&scratch->lowered, (size_t)length + 2, sizeof *scratch->lowered)) return 1;
        scratch->lowered_room = length;
    }
    uint32_t *to = scratch->lowered;
    int64_t before = lower(title, lower_case, to);
    if (before < 0) return NOT_PLAIN;
    if (before > 0) {
        /* As slugline/documents.py joins them. */
        to[before++] = '.';
        to[before++] = ' ';
    }
    int64_t after = lower(text, lower_case, to + before);
    if (after < 0 || !has_letter(to + before, after, request->model->classes)) return NOT_PLAIN;
    request->id_start = id.at ? id.at - raw : 0;
    request->id_end = id.at ? id.end - raw : 0;
    request->characters = before + after;
    return slugline_scores(request->model, scratch, to, &request->characters, 1, request->scores, request->tokens);
}
