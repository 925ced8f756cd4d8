// An MCP server over stdio in plain C, for the VM's /bin. It reads JSON by looking for members as MCP's SDK writes them,
// which is good enough for tests. Tools: add, env, file, fail, slow, die, flood, learn, and learnt after that.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char line[1 << 20];
static char text[1 << 16];

// What follows `"name":` in `from`, or NULL.
static const char *member(const char *from, const char *name) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *found = from ? strstr(from, key) : NULL;
    return found ? found + strlen(key) : NULL;
}

static int is(const char *value, const char *wanted) {
    size_t length = strlen(wanted);
    return value && value[0] == '"' && !strncmp(value + 1, wanted, length) && value[length + 1] == '"';
}

// The JSON value at `value`, up to the comma or brace behind it: enough for numbers and plain strings.
static void copy(char *out, size_t size, const char *value) {
    size_t length = value ? strcspn(value, ",}") : 0;
    if (length >= size) length = size - 1;
    if (length) memcpy(out, value, length);
    out[length] = 0;
}

// A plain string without its quotes.
static void copy_string(char *out, size_t size, const char *value) {
    size_t length = value && *value == '"' ? strcspn(value + 1, "\"") : 0;
    if (length >= size) length = size - 1;
    if (length) memcpy(out, value + 1, length);
    out[length] = 0;
}

static void answer(const char *id, const char *result) {
    printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n", id, result);
    fflush(stdout);
}

static void say(const char *id, const char *words, int is_error) {
    static char result[sizeof text + 128];
    snprintf(result, sizeof result, "{\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],\"isError\":%s}", words,
             is_error ? "true" : "false");
    answer(id, result);
}

#define TOOL(name, properties) \
    "{\"name\":\"" name "\",\"description\":\"" name " it\",\"inputSchema\":{\"type\":\"object\",\"properties\":{" properties "}}}"

static int has_learnt;

#define TOOLS \
    TOOL("add", "\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"integer\"}") "," \
    TOOL("env", "\"variable\":{\"type\":\"string\"}") "," TOOL("file", "\"path\":{\"type\":\"string\"}") "," \
    TOOL("fail", "") "," TOOL("slow", "") "," TOOL("die", "") "," TOOL("flood", "") "," TOOL("learn", "")

static void call(const char *id, const char *params) {
    const char *name = member(params, "name");
    const char *arguments = member(params, "arguments");
    char word[256];
    if (is(name, "add")) {
        const char *a = member(arguments, "a"), *b = member(arguments, "b");
        snprintf(text, sizeof text, "%d", (a ? atoi(a) : 0) + (b ? atoi(b) : 0));
        say(id, text, 0);
    } else if (is(name, "env")) {
        copy_string(word, sizeof word, member(arguments, "variable"));
        say(id, getenv(word) ? getenv(word) : "unset", 0);
    } else if (is(name, "file")) {
        copy_string(word, sizeof word, member(arguments, "path"));
        FILE *file = fopen(word, "r");
        size_t size = file ? fread(text, 1, 1000, file) : 0;
        text[size] = 0;
        say(id, file ? text : "no such file", !file);
        if (file) fclose(file);
    } else if (is(name, "fail")) {
        say(id, "it failed", 1);
    } else if (is(name, "slow")) {
        char token[64];
        copy(token, sizeof token, member(params, "progressToken"));
        if (*token)
            printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
                   "\"params\":{\"progressToken\":%s,\"progress\":1,\"message\":\"working\"}}\n", token);
        fflush(stdout);  // and no answer: the client has to cancel
    } else if (is(name, "die")) {
        fprintf(stderr, "about to die\n");
        exit(1);
    } else if (is(name, "flood")) {
        for (int i = 0; i < 1000; i++)
            printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":%d}}\n", i);
        printf("this is no message\n");
        say(id, "flooded", 0);
    } else if (is(name, "learn")) {
        has_learnt = 1;
        printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n");
        say(id, "learnt it", 0);
    } else if (is(name, "learnt") && has_learnt) {
        say(id, "I know", 0);
    } else {
        printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32602,\"message\":\"no such tool\"}}\n", id);
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    fprintf(stderr, "local server %s\n", argc > 1 ? argv[1] : "without arguments");
    // "hang": take everything, answer nothing.
    while (argc > 1 && !strcmp(argv[1], "hang") && fgets(line, sizeof line, stdin)) {}
    while (fgets(line, sizeof line, stdin)) {
        const char *method = member(line, "method"), *params = member(line, "params");
        char id[64], version[32];
        copy(id, sizeof id, member(line, "id"));
        if (is(method, "initialize")) {
            copy_string(version, sizeof version, member(params, "protocolVersion"));
            snprintf(text, sizeof text,
                     "{\"protocolVersion\":\"%s\",\"capabilities\":{\"tools\":{}},"
                     "\"serverInfo\":{\"name\":\"local\",\"version\":\"1\"},\"instructions\":\"Add with care.\"}",
                     version);
            answer(id, text);
        } else if (is(method, "tools/list")) {
            answer(id, has_learnt ? "{\"tools\":[" TOOLS "," TOOL("learnt", "") "]}" : "{\"tools\":[" TOOLS "]}");
        } else if (is(method, "tools/call")) {
            call(id, params);
        } else if (is(method, "notifications/cancelled")) {
            fprintf(stderr, "told to cancel\n");
        } else if (*id) {
            answer(id, "{}");
        }
    }
    return 0;
}
