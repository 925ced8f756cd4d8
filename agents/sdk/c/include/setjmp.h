/* setjmp by wasm's exceptions: the compiler finds it in its -mllvm -wasm-enable-sjlj. */
#ifndef _SETJMP_H
#define _SETJMP_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct __jmp_buf_tag {
    void *__frame[4];
    int __masked;
    unsigned long long __mask;
} jmp_buf[1];
typedef jmp_buf sigjmp_buf;

int setjmp(jmp_buf) __attribute__((__returns_twice__));
_Noreturn void longjmp(jmp_buf, int);
_Noreturn void siglongjmp(sigjmp_buf, int);
void __save_signal_mask(sigjmp_buf, int);

#define setjmp setjmp
#define _setjmp setjmp
#define _longjmp longjmp
/* The frame must be the caller's, so this cannot be a function. */
#define sigsetjmp(buffer, save) (__save_signal_mask((buffer), (save)), setjmp(buffer))

#ifdef __cplusplus
}
#endif
#endif
