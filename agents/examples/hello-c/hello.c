// The smallest agent in C: it keeps what it is told in notes.txt, a line each, and numbers it.
//
// There is no JSON library here: an agent reads few messages, and copies what it does not
// understand as it stands.

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A JSON value is a pointer to its first character in a message. Messages come from Torpor, and
// are valid JSON.

static const char *skip(const char *at) {  // white space and separators
  return at + strspn(at, " \t\r\n,:");
}

static const char *end_of_string(const char *at) {  // at: its opening quote
  for (at++; *at && *at != '"'; at++)
    if (*at == '\\' && at[1]) at++;
  return *at ? at + 1 : at;
}

static const char *end_of(const char *at) {
  if (*at == '"') return end_of_string(at);
  if (*at != '{' && *at != '[') return at + strcspn(at, ",}] \t\r\n");
  int depth = 0;
  do {
    if (*at == '"') {
      at = end_of_string(at);
      continue;
    }
    depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
    at++;
  } while (*at && depth > 0);
  return at;
}

// The member of an object, or NULL.
static const char *member(const char *object, const char *name) {
  if (!object || *object != '{') return NULL;
  size_t length = strlen(name);
  for (const char *at = skip(object + 1); *at == '"';) {
    bool found = strncmp(at + 1, name, length) == 0 && at[1 + length] == '"';
    const char *value = skip(end_of_string(at));
    if (found) return value;
    at = skip(end_of(value));
  }
  return NULL;
}

static bool is(const char *value, const char *text) {
  size_t length = strlen(text);
  return value && *value == '"' && strncmp(value + 1, text, length) == 0 && value[1 + length] == '"';
}

// Writes code point `c` as UTF-8.
static void put_utf8(unsigned c, FILE *out) {
  if (c < 0x80) {
    fputc((int)c, out);
    return;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  fputc((int)("\0\xc0\xe0\xf0"[more] | c >> (6 * more)), out);
  while (more--) fputc((int)(0x80 | (c >> (6 * more) & 0x3f)), out);
}

// Writes what a JSON string says, with spaces for line ends.
static void put_decoded(const char *at, FILE *out) {
  static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f  \t";
  for (at++; *at && *at != '"'; at++) {
    if (*at != '\\') {
      fputc(*at, out);
    } else if (*++at == 'u') {
      unsigned code, low;
      sscanf(at + 1, "%4x", &code);
      at += 4;
      if (code >> 10 == 0x36 && sscanf(at + 1, "\\u%4x", &low) == 1) {  // a surrogate pair
        code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
        at += 6;
      }
      put_utf8(code, out);
    } else {
      const char *known = strchr(escapes, *at);
      fputc(known ? meant[known - escapes] : *at, out);
    }
  }
}

static char *decoded(const char *value) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  put_decoded(value, out);
  fclose(out);
  return text;
}

// The session. An agent process serves only one.

static char *directory;

static void answer(const char *id, const char *result) {
  printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":%s}\n", (int)(end_of(id) - id), id, result);
}

static void say(const char *session, const char *text) {  // text: nothing that JSON escapes
  printf("{\"jsonrpc\":\"2.0\",\"method\":\"session/update\","
         "\"params\":{\"sessionId\":%.*s,\"update\":{\"sessionUpdate\":\"agent_message_chunk\","
         "\"content\":{\"type\":\"text\",\"text\":\"%s\"}}}}\n",
         (int)(end_of(session) - session), session, text);
}

static int lines_of(FILE *file) {
  int lines = 0;
  for (int c; (c = fgetc(file)) != EOF;) lines += c == '\n';
  return lines;
}

static void prompt(const char *params) {
  char path[4096], text[64];
  snprintf(path, sizeof path, "%s/notes.txt", directory ? directory : "");
  FILE *notes = fopen(path, "a+");
  if (!notes) {
    say(member(params, "sessionId"), "I cannot write notes.txt.");
    return;
  }
  const char *block = skip(member(params, "prompt") + 1);
  for (; *block == '{'; block = skip(end_of(block)))
    if (member(block, "text")) put_decoded(member(block, "text"), notes);
  fputc('\n', notes);
  rewind(notes);
  snprintf(text, sizeof text, "Noted as number %d.", lines_of(notes));
  fclose(notes);
  say(member(params, "sessionId"), text);
}

static void handle(const char *message) {
  const char *id = member(message, "id"), *method = member(message, "method");
  const char *params = member(message, "params");
  if (!id || !method) return;  // a notification, or the answer to nothing that we asked
  if (is(method, "initialize")) {
    answer(id, "{\"protocolVersion\":1,\"agentCapabilities\":{},\"authMethods\":[],"
               "\"agentInfo\":{\"name\":\"hello-c\",\"title\":\"Hello from C\",\"version\":\"0.1.0\"}}");
  } else if (is(method, "session/new")) {
    directory = decoded(member(params, "cwd"));
    answer(id, "{\"sessionId\":\"the-only-one\"}");
  } else if (is(method, "session/prompt")) {
    prompt(params);
    answer(id, "{\"stopReason\":\"end_turn\"}");
  } else {
    printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,"
           "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}\n",
           (int)(end_of(id) - id), id);
  }
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
  while (getline(&line, &size, stdin) > 0) {
    handle(skip(line));
    fflush(stdout);
  }
  return 0;
}
