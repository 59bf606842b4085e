# faultline.  `make help` lists what there is to say.
# Yours to set: CC CFLAGS LDFLAGS PREFIX DESTDIR, SAN=address,undefined, WERROR=1, BUILD=DIR.

VERSION = 0.1.0
PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
SAN     ?=
WERROR  ?=
BUILD   ?= build$(if $(SAN),/san)

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
       -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough -Wunused-result
# -ffp-contract=off: the ketama layouts count their points as other programs round.
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -DFAULTLINE_VERSION='"$(VERSION)"' -ffp-contract=off -pthread $(WARN) \
	$(if $(WERROR),-Werror) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) $(CFLAGS)
ALL_LDFLAGS = -pthread $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
LIBS = -ljansson -lsodium -lm

TOOLS := $(basename $(notdir $(wildcard cmd/*.c)))
LIB   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard lib/*/*.c))
UNITS := $(basename $(notdir $(wildcard tests/unit/*.c)))

all: $(TOOLS:%=$(BUILD)/bin/%)

$(BUILD)/bin/%: $(BUILD)/cmd/%.o $(BUILD)/libfaultline.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/libfaultline.a: $(LIB)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libfaultline.a
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Objects are made anew when the compiler or its flags change.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' >$@

unit: $(UNITS:%=$(BUILD)/tests/unit/%)
	@for t in $^; do $$t || exit 1; done

clean:
	rm -rf build

.PHONY: all unit clean FORCE
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
