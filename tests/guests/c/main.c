// A plugin in C, by clang as zig carries it: it puts a comment in front of the stream. The message stays JSON: what stands
// between the quotes of `manifests` is copied as it is.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXTISM(name) __attribute__((import_module("extism:host/env"), import_name(#name)))

EXTISM(input_length) extern uint64_t input_length(void);
EXTISM(input_load_u8) extern uint32_t input_load_u8(uint64_t at);
EXTISM(input_load_u64) extern uint64_t input_load_u64(uint64_t at);
EXTISM(alloc) extern uint64_t extism_alloc(uint64_t length);
EXTISM(store_u8) extern void store_u8(uint64_t at, uint32_t value);
EXTISM(store_u64) extern void store_u64(uint64_t at, uint64_t value);
EXTISM(output_set) extern void output_set(uint64_t at, uint64_t length);
EXTISM(error_set) extern void error_set(uint64_t at);

static const char KEY[] = "\"manifests\":\"";
static const char COMMENT[] = "{\"manifests\":\"# seen by C\\n";

static char *read_input(uint64_t *length) {
  *length = input_length();
  char *text = malloc(*length + 8);
  if (text == NULL) return NULL;
  uint64_t at = 0;
  for (; at + 8 <= *length; at += 8) {
    uint64_t word = input_load_u64(at);
    memcpy(text + at, &word, 8);
  }
  for (; at < *length; at++) text[at] = (char)input_load_u8(at);
  text[*length] = 0;
  return text;
}

static uint64_t to_block(const char *text, uint64_t length) {
  uint64_t block = extism_alloc(length);
  uint64_t at = 0;
  for (; at + 8 <= length; at += 8) {
    uint64_t word;
    memcpy(&word, text + at, 8);
    store_u64(block + at, word);
  }
  for (; at < length; at++) store_u8(block + at, (unsigned char)text[at]);
  return block;
}

static int32_t fail(const char *text) {
  error_set(to_block(text, strlen(text)));
  return 1;
}

__attribute__((export_name("helm_plugin_main"))) int32_t helm_plugin_main(void) {
  uint64_t length;
  char *input = read_input(&length);
  if (input == NULL) return fail("no memory for the message");
  char *start = strstr(input, KEY);
  if (start == NULL) return fail("the message has no `manifests`");
  start += strlen(KEY);
  char *end = start;
  while (*end != '"' && *end != 0) end += *end == '\\' ? 2 : 1;
  size_t comment = strlen(COMMENT), body = (size_t)(end - start);
  char *output = malloc(comment + body + 2);
  if (output == NULL) return fail("no memory for the answer");
  memcpy(output, COMMENT, comment);
  memcpy(output + comment, start, body);
  memcpy(output + comment + body, "\"}", 2);
  output_set(to_block(output, comment + body + 2), comment + body + 2);
  return 0;
}
