# PCRE2 for `grep -P`, as its file NON-AUTOTOOLS-BUILD says.

PCRE2 := auto_possess chkdint compile compile_class config context convert dfa_match error extuni find_bracket jit_compile \
	maketables match match_data newline ord2utf pattern_info script_run serialize string_utils study substitute substring \
	tables ucd valid_utf xclass chartables
PCRE2_OBJECTS := $(PCRE2:%=pcre2/src/pcre2_%.o)

libpcre2.a: $(PCRE2_OBJECTS)
	$(AR) rcs $@ $(PCRE2_OBJECTS)

vpath pcre2_%.c $(srcdir)/pcre2/src pcre2/src
$(PCRE2_OBJECTS): pcre2/src/%.o: %.c pcre2/src/pcre2.h pcre2/src/config.h
	$(CC) $(CFLAGS) -DHAVE_CONFIG_H -DPCRE2_CODE_UNIT_WIDTH=8 -DSUPPORT_UNICODE -Ipcre2/src -I$(srcdir)/pcre2/src -c -o $@ $<

pcre2/src/%.h: $(srcdir)/pcre2/src/%.h.generic
	cp $< $@

pcre2/src/pcre2_chartables.c: $(srcdir)/pcre2/src/pcre2_chartables.c.dist
	cp $< $@
