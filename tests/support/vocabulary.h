// Loads the vocabularies beside the reference vectors: Whisper's two as the pairs that their tokens
// are merged from, and MiniLM's, all deflated.
#ifndef TESTS_SUPPORT_VOCABULARY_H
#define TESTS_SUPPORT_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Vocabulary {
    size_t count;
    const char **tokens;   // [count + 1]; the last is empty, as the multilingual vocabulary ends
    const size_t *lengths; // [count + 1]
    char *storage;
} Vocabulary;

// name is "english.merges.z", "multilingual.merges.z" or "wordpiece.vocab.z" of
// tests/reference/tokenizer. False when it cannot be read. Free with vocabulary_free.
bool vocabulary_load(const char *name, Vocabulary *vocabulary);
void vocabulary_free(Vocabulary *vocabulary);

#endif
