#!/usr/bin/env bats
# The manners all tools share.  A test goes through every tool and prints its name first, so
# that the last name shown is the tool that failed.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	top=$BATS_TEST_DIRNAME/../..
	bin=$(cd "${FAULTLINE_BIN:-$top/build/bin}" && pwd)
	tools=$(cd "$bin" && find . -maxdepth 1 -type f -perm -u+x | sed 's|^\./||' | sort)
	[ -n "$tools" ] || fail "no tools in $bin"
	export PATH="$bin:$PATH" HOME="$BATS_TEST_TMPDIR" LC_ALL=C
	unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
}

# An option of --help or of a page as a line: `-n --nodes ARGUMENT`, what there is of these.
options_of_help() {
	"$1" --help | awk '/^  -., --/ || /^      --/ {
		sub(/^ */, "")
		sub(/  .*/, "")
		sub(/,/, "")
		sub(/ [^- ].*/, " ARGUMENT")
		print
	}' | sort
}

# mdoc: `.It Fl n , Fl -nodes Ar list`; an argument is a word of any other macro.
options_of_page() {
	awk '$1 == ".It" && $2 == "Fl" {
		short = long = argument = ""
		for (i = 2; i <= NF; i++) {
			word = $i
			gsub(/\\-/, "-", word)
			gsub(/\\&|"/, "", word)
			if (word ~ /^[A-Z][a-z]$/)
				macro = word
			else if (word ~ /^[][,|=]*$/)
				continue
			else if (macro != "Fl")
				argument = " ARGUMENT"
			else if (word ~ /^-/)
				long = " -" word
			else
				short = " -" word
		}
		print substr(short long argument, 2)
	}' "$1" | sort
}

long_names() {
	options_of_help "$1" | grep -o -- '--[^ ]*'
}

@test "--help is on stdout, in 80 columns, and exit 0" {
	local LC_ALL=C.UTF-8
	for tool in $tools; do
		echo "$tool"
		run --separate-stderr "$tool" --help
		assert_success
		assert_equal "$stderr" ""
		assert_line --index 0 --regexp "^usage: $tool( |\$)"
		for line in "${lines[@]}"; do
			[ "${#line}" -le 80 ] || fail "${#line} columns: $line"
		done
	done
}

@test "--version is the name and three numbers" {
	for tool in $tools; do
		echo "$tool"
		run --separate-stderr "$tool" --version
		assert_success
		assert_equal "$stderr" ""
		assert_output --regexp "^$tool [0-9]+\.[0-9]+\.[0-9]+\$"
	done
}

@test "an unknown option is two lines on stderr and exit 2" {
	for tool in $tools; do
		echo "$tool"
		run --separate-stderr "$tool" --xyzzy-plugh
		assert_failure 2
		assert_output ""
		assert_equal "$stderr" "$tool: unknown option '--xyzzy-plugh'
Try '$tool --help'."
	done
}

@test "an option with a slip in it is told the near miss" {
	for tool in $tools; do
		echo "$tool"
		run --separate-stderr "$tool" --verison
		assert_failure 2
		assert_output ""
		assert_equal "$stderr" "$tool: unknown option '--verison': did you mean '--version'?
Try '$tool --help'."
	done
}

@test "a full disk is exit 4, never 0" {
	for tool in $tools; do
		for option in --help --version '--completion bash'; do
			echo "$tool $option"
			run --separate-stderr bash -c "'$tool' $option >/dev/full"
			assert_failure 4
			assert_equal "$stderr" "$tool: cannot write 'stdout': No space left on device"
		done
	done
}

@test "the options of --help and of the man page are the same" {
	for tool in $tools; do
		echo "$tool"
		[ -n "$(options_of_help "$tool")" ] || fail "no options in --help"
		run diff -U99 --label "$tool --help" <(options_of_help "$tool") \
			--label "man1/$tool.1" <(options_of_page "$top/man/man1/$tool.1")
		assert_success
	done
}

@test "a man page has no warnings, an EXIT STATUS and EXAMPLES" {
	for tool in $tools; do
		page=$top/man/man1/$tool.1
		echo "$page"
		run mandoc -Tlint -W warning "$page"
		assert_success
		run grep -c -x -e '\.Sh EXIT STATUS' -e '\.Sh EXAMPLES' "$page"
		assert_output 2
	done
}

# What bash offers for `TOOL WORD`, a line each.
bash_offers() {
	bash --norc --noprofile -c '
		eval "$("$1" --completion bash)"
		function=$(complete -p "$1" | sed "s/.*-F \([^ ]*\).*/\1/")
		COMP_WORDS=("$1" "$2") COMP_CWORD=1
		"$function" "$1" "$2" "$1"
		((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"
	' bash "$1" "$2" | sort
}

@test "bash completes every long option from its beginning" {
	for tool in $tools; do
		echo "$tool"
		run bash_offers "$tool" --
		assert_success
		assert_output "$(long_names "$tool" | sort)"
		for name in $(long_names "$tool"); do
			begun=${name%??}
			run bash_offers "$tool" "$begun"
			assert_output "$(long_names "$tool" | grep -e "^$begun" | sort)"
		done
		run bash_offers "$tool" --xyzzy
		assert_output ""
	done
}

@test "bash offers the short options too" {
	for tool in $tools; do
		echo "$tool"
		run bash_offers "$tool" -
		assert_output "$(options_of_help "$tool" | tr ' ' '\n' | grep -e ^- | sort)"
	done
}

@test "the zsh completion parses and names every long option" {
	command -v zsh || skip "no zsh"
	for tool in $tools; do
		echo "$tool"
		"$tool" --completion zsh >"$BATS_TEST_TMPDIR/_$tool"
		run zsh -n "$BATS_TEST_TMPDIR/_$tool"
		assert_success
		assert_output ""
		for name in $(long_names "$tool"); do
			grep -q -E -e "$name=?['}]" -e "$name=?'" "$BATS_TEST_TMPDIR/_$tool" || fail "no $name"
		done
	done
}

@test "the fish completion parses and lists every long option" {
	command -v fish || skip "no fish"
	for tool in $tools; do
		echo "$tool"
		"$tool" --completion fish >"$BATS_TEST_TMPDIR/$tool.fish"
		run fish --no-config -n "$BATS_TEST_TMPDIR/$tool.fish"
		assert_success
		assert_output ""
		run fish --no-config -c "source $BATS_TEST_TMPDIR/$tool.fish; complete -C '$tool --'"
		assert_success
		assert_equal "$(cut -f1 <<<"$output" | sort)" "$(long_names "$tool" | sort)"
	done
}
