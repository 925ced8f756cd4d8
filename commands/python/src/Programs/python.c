/*
 * python3 as a program that starts from an image: the memory of an interpreter that has begun, and imported what programs use.
 *
 * When it is built it is run once, with IMAGE in its environment: it begins, runs the script that IMAGE names, and ends; what is
 * in its memory then is what the program starts with from then on (build/run_here.py). That script defines `resume`, which is
 * called at each start with what an image cannot know: the environment, and the folders of PYTHONPATH.
 */
#include "Python.h"
#include "pycore_initconfig.h"
#include "pycore_interp.h"
#include "pycore_moduleobject.h"
#include "pycore_pathconfig.h"
#include "pycore_pylifecycle.h"
#include "pycore_pystate.h"

#include <string.h>
#include <unistd.h>

#define IMAGE "TORPOR_PYTHON_IMAGE"
/* Where the program is that may start from the image: elsewhere it has other libraries, as in an environment of venv's. */
static const char *const PLACES[] = {"/usr/bin/", "/bin/"};

extern int (*torpor_end)(void);
extern PyStatus init_sys_streams(PyThreadState *tstate);
extern char **environ;

static PyObject *resume; /* not NULL: this is the image */
static PyObject *names;  /* of the modules that are in it */

static PyConfig *
own_config(void)
{
    return (PyConfig *)_PyInterpreterState_GetConfig(_PyInterpreterState_GET());
}

/* The interpreter as it begins with no arguments, and what the script makes of it. */
static int
make_image(char **argv, const char *script)
{
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    PyStatus status = PyConfig_SetBytesArgv(&config, 1, argv);
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }
    if (PyStatus_Exception(status)) {
        Py_ExitStatusException(status);
    }
    PyConfig_Clear(&config);
    FILE *file = fopen(script, "r");
    PyObject *scope = PyDict_New();
    if (file == NULL || scope == NULL || PyDict_SetItemString(scope, "__builtins__", PyEval_GetBuiltins()) < 0) {
        return 1;
    }
    PyObject *done = PyRun_FileEx(file, script, Py_file_input, scope, scope, 1);
    if (done == NULL) {
        PyErr_Print();
        return 1;
    }
    Py_DECREF(done);
    names = PySet_New(PyImport_GetModuleDict());
    resume = Py_XNewRef(PyDict_GetItemString(scope, "resume"));
    if (names == NULL || resume == NULL) {
        return 1;
    }
    fflush(NULL);
    return 0;
}

/* At the end: what was imported since is done with, __main__ first, as at the end of any interpreter. The image stays. */
static int
end(void)
{
    PyObject *all = PyDict_Values(PyImport_GetModuleDict()), *keys = PyDict_Keys(PyImport_GetModuleDict());
    PyObject *own = PyUnicode_InternFromString("__main__");
    if (all == NULL || keys == NULL || own == NULL) {
        return -1;
    }
    PyGC_Collect();
    for (int round = 0; round < 2; round++) {
        for (Py_ssize_t i = PyList_GET_SIZE(all); i-- > 0;) {
            PyObject *name = PyList_GET_ITEM(keys, i), *module = PyList_GET_ITEM(all, i);
            int is_main = PyUnicode_Check(name) && PyUnicode_Compare(name, own) == 0;
            if (PyModule_Check(module) && (round == 0 ? is_main : !is_main && PySet_Contains(names, name) == 0)) {
                _PyModule_Clear(module);
            }
        }
    }
    PyErr_Clear();
    PyGC_Collect();
    return 0;
}

static int
same_text(const wchar_t *one, const wchar_t *other)
{
    return one == other || (one != NULL && other != NULL && wcscmp(one, other) == 0);
}

/* Whether an interpreter that has begun can be made one of this configuration. */
static int
fits(const PyConfig *wanted, const PyConfig *own)
{
#define SAME(name) (wanted->name == own->name)
    return SAME(dev_mode) && SAME(faulthandler) && SAME(tracemalloc) && SAME(perf_profiling) && SAME(import_time) &&
           SAME(code_debug_ranges) && SAME(malloc_stats) && SAME(site_import) && SAME(bytes_warning) &&
           SAME(warn_default_encoding) && SAME(optimization_level) && SAME(parser_debug) && SAME(verbose) &&
           SAME(int_max_str_digits) && SAME(cpu_count) && wanted->xoptions.length == 0 && wanted->warnoptions.length == 0 &&
           wanted->home == NULL && wanted->pycache_prefix == NULL &&
           (wanted->use_frozen_modules == -1 || SAME(use_frozen_modules)) &&
           (wanted->platlibdir == NULL || same_text(wanted->platlibdir, own->platlibdir)) &&
           (wanted->check_hash_pycs_mode == NULL || same_text(wanted->check_hash_pycs_mode, own->check_hash_pycs_mode));
#undef SAME
}

/* The path of this program if it is where it may start from the image, else NULL. */
static const char *
found_program(const char *name, char path[PATH_MAX])
{
    if (strchr(name, '/') == NULL) {
        const char *folders = getenv("PATH");
        for (const char *at = folders ? folders : "/usr/bin:/bin"; *at; at += strspn(at, ":")) {
            size_t size = strcspn(at, ":");
            if (snprintf(path, PATH_MAX, "%.*s/%s", (int)size, at, name) < PATH_MAX && access(path, X_OK) == 0) {
                break;
            }
            path[0] = 0;
            at += size;
        }
    } else if (snprintf(path, PATH_MAX, "%s", name) >= PATH_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(PLACES); i++) {
        size_t size = strlen(PLACES[i]);
        if (strncmp(path, PLACES[i], size) == 0 && path[size] && strchr(path + size, '/') == NULL) {
            return path;
        }
    }
    return NULL;
}

static PyObject *
environment(void)
{
    PyObject *found = PyDict_New();
    for (char **at = environ; found != NULL && at != NULL && *at != NULL; at++) {
        char *value = strchr(*at, '=');
        if (value != NULL) {
            PyObject *key = PyBytes_FromStringAndSize(*at, value - *at), *text = PyBytes_FromString(value + 1);
            if (key == NULL || text == NULL || PyDict_SetDefaultRef(found, key, text, NULL) < 0) {
                Py_CLEAR(found);
            }
            Py_XDECREF(key);
            Py_XDECREF(text);
        }
    }
    return found;
}

/* Gives the interpreter what is this start's own. */
static PyStatus
take(PyConfig *wanted, const char *name, const char *path)
{
    PyThreadState *tstate = _PyThreadState_GET();
    PyConfig *own = own_config();
#define TAKE(name) (own->name = wanted->name)
#define TAKE_TEXT(name)                                                  \
    do {                                                                 \
        status = PyConfig_SetString(own, &own->name, wanted->name);      \
        if (PyStatus_Exception(status)) {                                \
            return status;                                               \
        }                                                                \
    } while (0)
    PyStatus status;
    TAKE(isolated), TAKE(use_environment), TAKE(inspect), TAKE(interactive), TAKE(quiet), TAKE(buffered_stdio);
    TAKE(user_site_directory), TAKE(write_bytecode), TAKE(skip_source_first_line), TAKE(safe_path);
    TAKE_TEXT(stdio_encoding);
    TAKE_TEXT(stdio_errors);
    TAKE_TEXT(run_command);
    TAKE_TEXT(run_module);
    TAKE_TEXT(run_filename);
    status = PyConfig_SetBytesString(own, &own->executable, path);
    if (!PyStatus_Exception(status)) {
        status = PyConfig_SetBytesString(own, &own->program_name, name);
    }
    if (PyStatus_Exception(status)) {
        return status;
    }
    if (_PyWideStringList_Copy(&own->argv, &wanted->argv) < 0 ||
        _PyWideStringList_Copy(&own->orig_argv, &wanted->orig_argv) < 0) {
        return PyStatus_NoMemory();
    }
#undef TAKE
#undef TAKE_TEXT
    if (_PySys_UpdateConfig(tstate) < 0) {
        return PyStatus_Error("the options cannot be set");
    }
    status = init_sys_streams(tstate);
    if (PyStatus_Exception(status)) {
        return status;
    }
    PyObject *variables = environment();
    PyObject *done = variables == NULL ? NULL : PyObject_CallFunction(resume, "Nu", variables, wanted->pythonpath_env);
    if (done == NULL) {
        PyErr_Print();
        return PyStatus_Error("the interpreter cannot begin");
    }
    Py_DECREF(done);
    return PyStatus_Ok();
}

static int
start(int argc, char **argv)
{
    char path[PATH_MAX] = "";
    PyConfig wanted;
    PyConfig_InitPythonConfig(&wanted);
    PyStatus status = PyConfig_SetBytesArgv(&wanted, argc, argv);
    if (!PyStatus_Exception(status)) {
        status = PyConfig_Read(&wanted);
    }
    if (PyStatus_IsExit(status)) {
        return status.exitcode;
    }
    if (PyStatus_Exception(status)) {
        Py_ExitStatusException(status);
    }
    if (argc == 0 || !fits(&wanted, own_config()) || found_program(argv[0], path) == NULL) {
        PyConfig_Clear(&wanted);
        Py_FinalizeEx();
        _PyPathConfig_ClearGlobal(); /* or it would still be the one of the image */
        return Py_BytesMain(argc, argv);
    }
    torpor_end = end;
    status = take(&wanted, argv[0], path);
    if (PyStatus_Exception(status)) {
        Py_ExitStatusException(status);
    }
    PyConfig_Clear(&wanted);
    return Py_RunMain();
}

int
main(int argc, char **argv)
{
    const char *script = resume == NULL ? getenv(IMAGE) : NULL;
    if (script != NULL) {
        return make_image(argv, script);
    }
    return resume == NULL ? Py_BytesMain(argc, argv) : start(argc, argv);
}
