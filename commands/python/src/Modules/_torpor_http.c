/* _torpor_http: requests by <torpor/http.h>, for _torpor_sockets.py. */
#include "Python.h"

#include <time.h>
#include <torpor/http.h>

typedef struct {
    PyObject_HEAD
    struct torpor_http *http;
} Exchange;

static PyObject *Error;

/* Seconds from now, or None for no limit; -1 with an exception. */
static int set_limit(Exchange *self, PyObject *seconds) {
    struct timespec now;
    int64_t deadline = 0;
    if (self->http == NULL) {
        PyErr_SetString(PyExc_ValueError, "the request is closed");
        return -1;
    }
    if (seconds != Py_None) {
        double left = PyFloat_AsDouble(seconds);
        if (left == -1.0 && PyErr_Occurred()) return -1;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (left < 1e9) deadline = now.tv_sec * 1000000000LL + now.tv_nsec + (int64_t)(left * 1e9);
    }
    torpor_http_set_deadline(self->http, deadline);
    return 0;
}

/* The exception that says why a call has failed; NULL for Python's own. True where the call is to be made again. */
static bool is_interrupted(void) { return torpor_http_error() == TORPOR_HTTP_INTERRUPTED && PyErr_CheckSignals() == 0; }

static PyObject *failed(void) {
    if (PyErr_Occurred()) return NULL;
    PyObject *arguments = Py_BuildValue("(is)", (int)torpor_http_error(), torpor_http_message());
    if (arguments != NULL) PyErr_SetObject(Error, arguments);
    Py_XDECREF(arguments);
    return NULL;
}

static PyObject *exchange_write(Exchange *self, PyObject *args) {
    Py_buffer data;
    PyObject *seconds;
    if (!PyArg_ParseTuple(args, "y*O", &data, &seconds)) return NULL;
    int wrong = set_limit(self, seconds);
    if (!wrong && torpor_http_write(self->http, data.buf, (size_t)data.len)) {
        failed();
        wrong = -1;
    }
    PyBuffer_Release(&data);
    return wrong ? NULL : Py_NewRef(Py_None);
}

static PyObject *exchange_status(Exchange *self, PyObject *seconds) {
    int status;
    if (set_limit(self, seconds)) return NULL;
    do status = torpor_http_status(self->http);
    while (status < 0 && is_interrupted());
    return status < 0 ? failed() : PyLong_FromLong(status);
}

static PyObject *exchange_headers(Exchange *self, PyObject *Py_UNUSED(nothing)) {
    const struct torpor_http_header *headers;
    if (set_limit(self, Py_None)) return NULL;
    size_t count = torpor_http_headers(self->http, &headers);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *value = PyUnicode_DecodeLatin1(headers[i].value, (Py_ssize_t)strlen(headers[i].value), NULL);
        PyObject *pair = Py_BuildValue("(sN)", headers[i].name, value);
        if (pair == NULL || PyList_Append(list, pair)) Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    return list;
}

static PyObject *exchange_read(Exchange *self, PyObject *args) {
    Py_ssize_t size;
    PyObject *seconds;
    if (!PyArg_ParseTuple(args, "nO", &size, &seconds) || set_limit(self, seconds)) return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (bytes == NULL) return NULL;
    ssize_t done;
    do done = torpor_http_read(self->http, PyBytes_AS_STRING(bytes), (size_t)size);
    while (done < 0 && is_interrupted());
    if (done < 0) {
        Py_DECREF(bytes);
        return failed();
    }
    _PyBytes_Resize(&bytes, done);
    return bytes;
}

static PyObject *exchange_close(Exchange *self, PyObject *Py_UNUSED(nothing)) {
    torpor_http_close(self->http);
    self->http = NULL;
    return Py_NewRef(Py_None);
}

static void exchange_dealloc(Exchange *self) {
    torpor_http_close(self->http);
    PyObject_Free(self);
}

static PyMethodDef exchange_methods[] = {
    {"write", (PyCFunction)exchange_write, METH_VARARGS, "Write some of the request's body: (bytes, seconds)."},
    {"status", (PyCFunction)exchange_status, METH_O, "Wait for the answer's status: (seconds)."},
    {"headers", (PyCFunction)exchange_headers, METH_NOARGS, "The answer's headers, as pairs."},
    {"read", (PyCFunction)exchange_read, METH_VARARGS, "Wait for more of the answer's body, b'' at its end: (size, seconds)."},
    {"close", (PyCFunction)exchange_close, METH_NOARGS, "Give up what is not finished."},
    {NULL},
};

static PyTypeObject exchange_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_torpor_http.Exchange",
    .tp_basicsize = sizeof(Exchange),
    .tp_dealloc = (destructor)exchange_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_methods = exchange_methods,
};

/* (method, url, [(name, value)], with_body) */
static PyObject *open_exchange(PyObject *Py_UNUSED(module), PyObject *args) {
    const char *method, *url;
    PyObject *given;
    int with_body;
    if (!PyArg_ParseTuple(args, "ssO!p", &method, &url, &PyList_Type, &given, &with_body)) return NULL;
    Py_ssize_t count = PyList_GET_SIZE(given);
    struct torpor_http_header *headers = PyMem_Calloc((size_t)count + 1, sizeof *headers);
    Exchange *made = headers ? PyObject_New(Exchange, &exchange_type) : NULL;
    PyObject *kept = PyList_New(0); /* values as bytes */
    bool good = made != NULL && kept != NULL;
    if (made) made->http = NULL;
    for (Py_ssize_t i = 0; good && i < count; i++) {
        PyObject *value;
        good = PyArg_ParseTuple(PyList_GET_ITEM(given, i), "sU", &headers[i].name, &value);
        PyObject *bytes = good ? PyUnicode_AsLatin1String(value) : NULL;
        good = bytes != NULL && PyList_Append(kept, bytes) == 0;
        if (good) headers[i].value = PyBytes_AS_STRING(bytes);
        Py_XDECREF(bytes);
    }
    if (good) {
        made->http = torpor_http_open(method, url, headers, (size_t)count, with_body, NULL);
        good = made->http != NULL;
        if (!good) failed();
    }
    PyMem_Free(headers);
    Py_XDECREF(kept);
    if (!good) Py_CLEAR(made);
    if (!good && !PyErr_Occurred()) PyErr_NoMemory();
    return (PyObject *)made;
}

static PyMethodDef methods[] = {
    {"open", open_exchange, METH_VARARGS, "Begin a request: (method, url, headers as pairs, whether there is a body)."},
    {NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_torpor_http", "HTTP by the runtime of a VM.", -1, methods};

PyMODINIT_FUNC PyInit__torpor_http(void) {
    PyObject *made = PyType_Ready(&exchange_type) ? NULL : PyModule_Create(&module);
    if (made == NULL) return NULL;
    Error = PyErr_NewExceptionWithDoc("_torpor_http.Error", "(number, message): see torpor/http.h.", NULL, NULL);
    if (Error == NULL || PyModule_AddObjectRef(made, "Error", Error)) Py_CLEAR(made);
    return made;
}
