# faultline.  `make help` lists what can be asked for.
# Yours to set: CC CFLAGS LDFLAGS PREFIX DESTDIR WERROR=1 SAN=address,undefined BUILD=DIR.

VERSION = 0.1.0
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
BUILD  ?= build$(if $(SAN),/san)

# All that building, the demo and the tests need; `make deps` installs what is missing.
PACKAGES = gcc libc6-dev libsodium-dev libjansson-dev libuv1-dev \
	bats bats-assert bats-support libcmocka-dev libmemcached-dev jq libxml2-utils mandoc zsh fish util-linux procps \
	python3 patch socat mosquitto mosquitto-clients openssh-server openssh-client
ifeq ($(CC),clang)
PACKAGES += clang
endif
# What `make fuzz` and `make bench` need besides.
FUZZ_PACKAGES  = clang libclang-rt-14-dev
BENCH_PACKAGES = etcd-server etcd-client wrk linux-perf

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
	-Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough $(if $(WERROR),-Werror)
# -ffp-contract=off: the ketama layouts count their points as other programs round.
BASE_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -DFAULTLINE_VERSION='"$(VERSION)"' -ffp-contract=off -pthread $(WARN)
ALL_CFLAGS  = $(BASE_CFLAGS) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) $(CFLAGS)
ALL_LDFLAGS = -pthread $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
LIBS = -ljansson -lsodium -luv -lm

TOOLS   = $(basename $(notdir $(wildcard cmd/*.c)))
# Loaded into nodes by netfault, and part of no program.
PRELOADS = lib/preload/virtual.c lib/preload/unsynced.c
PRELOAD_PARTS = $(PRELOADS) $(wildcard $(PRELOADS:.c=_*.c))
SOURCES = $(filter-out $(filter-out %_crash.c,$(PRELOAD_PARTS)),$(wildcard lib/*/*.c))
OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o)
UNITS   = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c))
DRIVERS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
FUZZERS = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*.c))
SMOKES  = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*.c))
SIM_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/*.c))
PURE    = ring raft fault paxos lin serial
NODES   = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/nodes/*.c))
SHARED  = $(PRELOADS:lib/preload/%.c=$(BUILD)/lib/faultline/%.so)
PAGES   = $(wildcard man/man*/*.[1-9])
# For bats: `load faultline` finds the link in bin, `bats_load_library faultline` the one named load.bash.
BATS_PARTS  = $(patsubst lib/bats/%,share/faultline/%,$(wildcard lib/bats/*.bash))
BATS_LINKS = share/faultline/load.bash bin/faultline

# One short line a file; V=1 shows the commands.
Q = $(if $(V),,@echo "  $(1)  $(patsubst $(BUILD)/%,%,$@)";)

all: $(TOOLS:%=$(BUILD)/bin/%) $(SHARED) $(BATS_PARTS:%=$(BUILD)/%) $(BATS_LINKS:%=$(BUILD)/%)  ## build the tools into build/bin

$(BUILD)/bin/%: $(BUILD)/cmd/%.o $(BUILD)/libfaultline.a
	@mkdir -p $(@D)
	$(call Q,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# Preloaded before any sanitizer's own library, so without one.  initfirst: virtual.c says why; before it there is no environment.
PRELOAD_FLAGS_virtual = -Wl,-z,initfirst
$(BUILD)/lib/faultline/%.so: $(PRELOAD_PARTS) $(wildcard lib/preload/*.h) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call Q,LINK)$(CC) $(BASE_CFLAGS) $(CFLAGS) -fvisibility=hidden -shared -fPIC $(PRELOAD_FLAGS_$*) -o $@ \
		$(filter-out %_crash.c,$(filter lib/preload/$*.c lib/preload/$*_%.c,$(PRELOAD_PARTS)))

$(BUILD)/share/faultline/%.bash: lib/bats/%.bash
	$(call Q,COPY)install -D -m 755 $< $@

$(BATS_LINKS:%=$(BUILD)/%): $(BUILD)/share/faultline/faultline.bash
	@mkdir -p $(@D)
	$(call Q,LINK)ln -sfnr $< $@

$(BUILD)/libfaultline.a: $(OBJECTS)
	$(call Q,AR  )rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libfaultline.a
	$(call Q,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(UNIT_LIBS) $(LIBS)
$(BUILD)/tests/unit/libmemcached: UNIT_LIBS = -lmemcached -lhashkit
$(BUILD)/tests/unit/sim: $(filter-out %/main.o,$(SIM_OBJECTS))

# Each fuzz target with its corpus and no fuzzer.
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/smoke/main.o $(BUILD)/libfaultline.a
	$(call Q,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(FUZZ_LDFLAGS) -o $@ $^ $(LIBS)

# What tests run beside the tools: nodes of their own, and a disk that fails (preloaded, so without sanitizers).
$(BUILD)/tests/nodes/%: $(BUILD)/tests/nodes/%.o $(BUILD)/libfaultline.a
	$(call Q,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/kill/fault.so: tests/kill/fault.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call Q,LINK)$(CC) $(BASE_CFLAGS) $(CFLAGS) -shared -fPIC -o $@ $<

$(BUILD)/tests/sim/sim: $(SIM_OBJECTS) $(BUILD)/libfaultline.a
	$(call Q,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o
	$(call Q,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lmemcached -lhashkit $(LIBS)
$(BUILD)/tests/bench/lin: $(BUILD)/libfaultline.a

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call Q,CC  )$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A mutant: the few sources with a bug planted in them (tests/mutants) are compiled in place of the originals.
MUTANT_DIR     = $(BUILD)/mutants/$(MUTANT)
MUTANT_SOURCES = $(if $(MUTANT),$(shell sed -n 's|^+++ b/||p' tests/mutants/$(MUTANT).patch))
MUTANT_OBJECTS = $(MUTANT_SOURCES:%.c=$(MUTANT_DIR)/%.o)

ifdef MUTANT
$(MUTANT_DIR)/patched: tests/mutants/$(MUTANT).patch $(MUTANT_SOURCES)
	@rm -rf $(@D) && mkdir -p $(@D) && cp --parents $(MUTANT_SOURCES) $(@D) && patch -s -F 1 -d $(@D) -p 1 <$< && touch $@

$(MUTANT_OBJECTS): $(MUTANT_DIR)/%.o: $(MUTANT_DIR)/patched $(BUILD)/flags
	$(call Q,CC  )$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $(MUTANT_DIR)/$*.c

$(MUTANT_DIR)/bin/%: $(BUILD)/cmd/%.o $(MUTANT_OBJECTS) $(BUILD)/libfaultline.a
	@mkdir -p $(@D)
	$(call Q,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(MUTANT_DIR)/tests/sim/sim: $(SIM_OBJECTS) $(MUTANT_OBJECTS) $(BUILD)/libfaultline.a
	@mkdir -p $(@D)
	$(call Q,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
endif

# Objects are made anew when the compiler or its flags change.
FLAGS = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@

# As many compilers as processors, where the user did not say.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

demo: deps  ## install what is missing, build; kill the leader of three nodes, shard this machine's files
	@$(MAKE) --no-print-directory $(JOBS) all
	@BUILD=$(BUILD) tests/demo

check: compile  ## install what is missing, build, and pass every test
	@BUILD=$(BUILD) SAN=$(SAN) tests/check $(notdir $(UNITS))

compile: deps  ## install what is missing, build the tools and all that the tests run
	@$(MAKE) --no-print-directory $(JOBS) all $(UNITS) $(SMOKES) $(NODES) $(BUILD)/tests/sim/sim $(BUILD)/tests/kill/fault.so check-pure

soak: deps  ## raft-node and paxos-node in real time under SIGKILL, SIGSTOP and partitions, each for TIME (10m)
	@$(MAKE) --no-print-directory $(JOBS) all
	@BUILD=$(BUILD) tests/soak -t $(or $(TIME),10m)

# A core calls memory functions alone: no I/O, clock, random source, locale or environment.
PURE_CALLS = aligned_alloc|_GLOBAL_OFFSET_TABLE_|malloc|calloc|realloc|free|mem[a-z]+|str(n?cmp|n?len|chr)|__assert_fail|__stack_chk_fail|bcmp
check-pure: $(OBJECTS)
	@$(if $(SAN),exit 0;) for m in $(PURE); do \
		$(LD) -r -o $(BUILD)/$$m.pure.o $(BUILD)/lib/$$m/*.o || exit 1; \
		calls=$$(nm -u $(BUILD)/$$m.pure.o | awk '{ print $$2 }' | grep -vxE '$(PURE_CALLS)'); \
		[ -z "$$calls" ] || { echo "lib/$$m is not pure, it calls:" $$calls >&2; exit 1; }; done

# RUNLEVEL=1: the daemons among them are for tests to start, each its own.
define INSTALL_MISSING
	@command -v dpkg-query >/dev/null || { echo "make deps: this is no Debian; needed are: $(1)" >&2; exit 1; }; \
	missing=; for p in $(1); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q ' installed$$' || missing="$$missing $$p"; done; \
	[ -n "$$missing" ] || exit 0; \
	if [ $$(id -u) = 0 ]; then as=; elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }; then as=sudo; \
	else echo "make deps: not root, and no sudo; please install:$$missing" >&2; exit 1; fi; \
	echo "make deps: installing$$missing"; \
	$$as apt-get update -q && $$as env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing
endef

deps:  ## install the packages that are missing (Debian 12; as root or with sudo)
	$(call INSTALL_MISSING,$(PACKAGES))

bench: deps  ## measure beside the peers; the tables go to tests/bench/RESULTS.md and CLUSTER.md
	$(call INSTALL_MISSING,$(BENCH_PACKAGES))
	@$(MAKE) --no-print-directory $(JOBS) all $(DRIVERS) $(NODES) $(BUILD)/tests/sim/sim
	@BUILD=$(BUILD) tests/bench/run $(BENCH)
	@BUILD=$(BUILD) tests/bench/cluster $(BENCH_CLUSTER)

sim:  ## simulate clusters of both protocols under faults: SEEDS (100000) of each from FIRST (1) on
	@$(MAKE) --no-print-directory $(JOBS) $(BUILD)/tests/sim/sim
	@$(BUILD)/tests/sim/sim --jobs $(shell nproc) --seeds $(or $(FIRST),1)-$(shell echo $$(($(or $(FIRST),1) + $(or $(SEEDS),100000) - 1)))

mutants: deps  ## plant each of the bugs in tests/mutants and have it found; the table goes to tests/mutants/RESULTS.md
	@$(MAKE) --no-print-directory $(JOBS) all $(NODES) $(BUILD)/tests/sim/sim $(BUILD)/tests/kill/fault.so
	+@BUILD=$(BUILD) tests/mutants/run $(or $(MUTANTS),-o tests/mutants/RESULTS.md)
	@awk -f tests/mutants/readme.awk tests/mutants/RESULTS.md README.md >$(BUILD)/README.md && cp $(BUILD)/README.md README.md

fuzz: deps  ## run each fuzz target for FUZZ_SECONDS (60)
	$(call INSTALL_MISSING,$(FUZZ_PACKAGES))
	@$(MAKE) --no-print-directory $(JOBS) $(FUZZERS)
	@for f in $(FUZZERS); do name=$$(basename $$f); mkdir -p build/fuzz/corpus/$$name; echo "fuzz: $$name"; \
		$$f -max_total_time=$(or $(FUZZ_SECONDS),60) -max_len=4096 -print_final_stats=1 -artifact_prefix=build/fuzz/$$name- \
			build/fuzz/corpus/$$name $(wildcard tests/fuzz/corpus/$$name) >build/fuzz/$$name.log 2>&1 \
			|| { tail -40 build/fuzz/$$name.log; exit 1; }; \
		grep -E 'number_of_executed_units|DONE' build/fuzz/$$name.log; done

build/fuzz/%: tests/fuzz/%.c $(SOURCES)
	@mkdir -p $(@D)
	$(call Q,FUZZ)clang -O1 -g $(BASE_CFLAGS) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $(FUZZ_LDFLAGS) \
		-o $@ $^ $(LIBS)

# Where nothing may end the process, the target has its own die.
build/fuzz/nodes build/fuzz/keys $(BUILD)/tests/fuzz/nodes $(BUILD)/tests/fuzz/keys: FUZZ_LDFLAGS = -Wl,--wrap=die
# Where bad lines are what it is about, nobody is told of each.
build/fuzz/paxos build/fuzz/raft $(BUILD)/tests/fuzz/paxos $(BUILD)/tests/fuzz/raft: FUZZ_LDFLAGS = -Wl,--wrap=warn

install: all  ## install under PREFIX (/usr/local), with pages and completions; DESTDIR is honoured
	install -d $(DESTDIR)$(PREFIX)/bin $(COMPLETIONS:%=$(DESTDIR)$(PREFIX)/share/%)
	install -m 755 $(TOOLS:%=$(BUILD)/bin/%) $(DESTDIR)$(PREFIX)/bin
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/faultline $(SHARED)
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/share/faultline $(BATS_PARTS:%=$(BUILD)/%)
	for f in $(BATS_LINKS); do cp -P $(BUILD)/$$f $(DESTDIR)$(PREFIX)/$$f || exit 1; done
	for p in $(PAGES); do install -D -m 644 $$p $(DESTDIR)$(PREFIX)/share/$$p || exit 1; done
	for t in $(TOOLS); do \
		$(BUILD)/bin/$$t --completion bash >$(DESTDIR)$(PREFIX)/share/$(BASH_DIR)/$$t && \
		$(BUILD)/bin/$$t --completion zsh >$(DESTDIR)$(PREFIX)/share/$(ZSH_DIR)/_$$t && \
		$(BUILD)/bin/$$t --completion fish >$(DESTDIR)$(PREFIX)/share/$(FISH_DIR)/$$t.fish || exit 1; done

BASH_DIR = bash-completion/completions
ZSH_DIR  = zsh/site-functions
FISH_DIR = fish/vendor_completions.d
COMPLETIONS = $(BASH_DIR) $(ZSH_DIR) $(FISH_DIR)

uninstall:  ## remove what install put there
	rm -f $(TOOLS:%=$(DESTDIR)$(PREFIX)/bin/%) $(SHARED:$(BUILD)/%=$(DESTDIR)$(PREFIX)/%) $(PAGES:%=$(DESTDIR)$(PREFIX)/share/%)
	rm -f $(BATS_PARTS:%=$(DESTDIR)$(PREFIX)/%) $(BATS_LINKS:%=$(DESTDIR)$(PREFIX)/%)
	rm -f $(TOOLS:%=$(DESTDIR)$(PREFIX)/share/$(BASH_DIR)/%) $(TOOLS:%=$(DESTDIR)$(PREFIX)/share/$(ZSH_DIR)/_%) \
		$(TOOLS:%=$(DESTDIR)$(PREFIX)/share/$(FISH_DIR)/%.fish)

clean:  ## remove build/
	rm -rf build

help:  ## show this
	@awk -F ':.*##' '/^[a-z]+:.*##/ { printf "make %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: all demo sim check compile check-pure deps bench soak mutants fuzz install uninstall clean help FORCE
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
