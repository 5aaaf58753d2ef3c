/* A filter in C: it copies its standard input and adds its arguments and a file as comments. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    int character;
    if (argc > 1 && strcmp(argv[argc - 1], "fail") == 0) {
        fputs("it says \"no\"\n", stderr);
        return 3;
    }
    while ((character = getchar()) != EOF) {
        putchar(character);
    }
    for (int argument = 1; argument < argc; argument++) {
        printf("# %s\n", argv[argument]);
    }
    const char *team = getenv("TEAM");
    if (team != NULL) {
        printf("# TEAM=%s\n", team);
    }
    FILE *file = fopen("/data/team", "r");
    if (file != NULL) {
        fputs("# ", stdout);
        while ((character = getc(file)) != EOF) {
            putchar(character);
        }
        fputs("\n", stdout);
        fclose(file);
    }
    return 0;
}
