// stdio on files: written, appended, sought, reopened, temporary; and how stdout is buffered when it is no terminal.
#include "check.h"

int main(void) {
    char path[] = "/tmp/stdioXXXXXX", *line = NULL;
    size_t room = 0;
    close(mkstemp(path));
    FILE *file = fopen(path, "w");
    check("fopen", file != NULL);
    for (int i = 0; i < 10000; i++) fprintf(file, "line %d\n", i);
    check("fclose", fclose(file) == 0);
    file = fopen(path, "re");
    check("close on exec", fcntl(fileno(file), F_GETFD) == FD_CLOEXEC);
    int lines = 0;
    while (getline(&line, &room, file) > 0) lines++;
    check("10,000 lines", lines == 10000 && strcmp(line, "line 9999\n") == 0 && feof(file));
    check("fseek", fseek(file, 7, SEEK_SET) == 0 && getline(&line, &room, file) > 0 && strcmp(line, "line 1\n") == 0);
    check("ungetc", ungetc('Z', file) == 'Z' && getc(file) == 'Z');
    fclose(file);
    file = fopen(path, "a+");
    fputs("last\n", file);
    rewind(file);
    check("a+", getline(&line, &room, file) > 0 && strcmp(line, "line 0\n") == 0);
    check("freopen", (file = freopen(path, "w+", file)) != NULL && fputs("new\n", file) >= 0);
    rewind(file);
    check("what it has now", getline(&line, &room, file) > 0 && strcmp(line, "new\n") == 0 && getline(&line, &room, file) < 0);
    fclose(file);
    check("fopen x", fopen(path, "wx") == NULL && errno == EEXIST);
    check("no such file", fopen("/none/none", "r") == NULL && errno == ENOENT);
    file = tmpfile();
    check("tmpfile", file != NULL && fputs("abc", file) >= 0 && (rewind(file), getc(file)) == 'a');
    int ends[2], saved = dup(1);
    pipe2(ends, O_NONBLOCK);
    dup2(ends[1], 1);
    printf("first\nsecond\n");
    fflush(stdout);
    char text[32] = "";
    ssize_t got = read(ends[0], text, sizeof text);
    for (int i = 0; i < 1000; i++) printf("%010d\n", i);
    bool buffered = failed(read(ends[0], text, sizeof text), EAGAIN);
    fflush(stdout);
    dup2(saved, 1);
    check("stdout to a pipe", got > 0 && strncmp(text, "first\n", 6) == 0);
    check("11,000 bytes of it are held back", buffered);
    unlink(path);
    return done();
}
