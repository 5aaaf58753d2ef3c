/* {{project-name}}: drops the objects of the kinds that its arguments name.
 *
 * Any program that reads a stream of manifests from its standard input and writes one to its standard output is a
 * post-renderer. It exits with 0, or says on standard error why it refuses and exits with another number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All of standard input, with a zero behind it. */
static char *read_all(size_t *length) {
    size_t room = 1 << 16;
    char *text = malloc(room);
    *length = 0;
    while (text != NULL) {
        *length += fread(text + *length, 1, room - *length - 1, stdin);
        if (*length < room - 1) {
            text[*length] = '\0';
            return text;
        }
        room *= 2;
        char *larger = realloc(text, room);
        if (larger == NULL) {
            free(text);
        }
        text = larger;
    }
    return NULL;
}

/* The start of the line after this one. */
static const char *next_line(const char *line, const char *end) {
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    return newline == NULL ? end : newline + 1;
}

/* Only a marker between documents begins so: what stands in a text block is indented. */
static int is_marker(const char *line, const char *end) {
    return end - line >= 3 && memcmp(line, "---", 3) == 0 && (end - line == 3 || strchr(" \t\r\n", line[3]) != NULL);
}

/* Whether a document's `kind` is one of those. */
static int has_kind(const char *document, const char *end, int count, char **kinds) {
    for (const char *line = document; line < end; line = next_line(line, end)) {
        const char *line_end = next_line(line, end);
        if (line_end - line < 5 || memcmp(line, "kind:", 5) != 0) {
            continue;
        }
        const char *value = line + 5;
        while (value < line_end && strchr(" \t\"'", *value) != NULL) {
            value++;
        }
        for (int index = 0; index < count; index++) {
            size_t length = strlen(kinds[index]);
            if ((size_t)(line_end - value) >= length && memcmp(value, kinds[index], length) == 0 &&
                (value + length == line_end || strchr(" \t\r\n\"'#", value[length]) != NULL)) {
                return 1;
            }
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fputs("name the kinds to drop as arguments: args: [CustomResourceDefinition]\n", stderr);
        return 2;
    }
    size_t length;
    char *stream = read_all(&length);
    if (stream == NULL) {
        fputs("the stream does not fit into memory\n", stderr);
        return 1;
    }
    const char *end = stream + length;
    int written = 0;
    for (const char *document = stream; document < end;) {
        const char *after = next_line(document, end);
        while (after < end && !is_marker(after, end)) {
            after = next_line(after, end);
        }
        if (!has_kind(document, after, argc - 1, argv + 1)) {
            fwrite(document, 1, (size_t)(after - document), stdout);
            written = 1;
        }
        document = after;
    }
    if (!written) {
        /* Helm takes an empty answer for a failure. */
        fputs("# empty\n", stdout);
    }
    free(stream);
    return 0;
}
