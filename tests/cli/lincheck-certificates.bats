#!/usr/bin/env bats
# lincheck: what it says of histories that are drawn, good and damaged, is proved by somebody else: tests/cli/certificate.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	here=$BATS_TEST_DIRNAME
	PATH=$(cd "${FAULTLINE_BIN:-$here/../../build/bin}" && pwd):$PATH
	cd "$BATS_TEST_TMPDIR"
}

# judge SEED SETTING...: counts in `yes` and `no`.
judge() {
	local seed=$1 status=0

	shift
	"$here/histories" seed="$seed" "$@" >history
	rm -f order
	timeout 120 lincheck --all --order order --json history >verdict 2>why || status=$?
	case $status in
	0)
		"$here/certificate" history order || fail "seed $seed $*: the order is wrong"
		yes=$((yes + 1)) ;;
	1)
		[ "$(jq .contradictions[].least verdict | sort -u)" = true ] || fail "seed $seed $*: not the least"
		"$here/certificate" history verdict || fail "seed $seed $*: the contradiction is wrong"
		no=$((no + 1)) ;;
	*) fail "seed $seed $*: status $status: $(cat why)" ;;
	esac
}

# sweep SETTING...: some seeds; good ones are right, of the damaged ones some are not.
sweep() {
	local seed

	yes=0 no=0
	for seed in 1 2; do
		judge "$seed" "$@"
	done
	[ "$no" -eq 0 ] || fail "$*: $no that are right were refused"
	for seed in 3 4 5 6; do
		judge "$seed" "$@" damage=0.08
	done
	[ "$no" -gt 0 ] || fail "$*: none of the damaged ones was refused"
}

@test "single operations, values that are written once" {
	sweep ops=80 clients=5 keys=2 unknown=0.04
}

@test "single operations, few values" {
	sweep ops=60 clients=4 keys=1 unknown=0.03 unique=0
}

@test "transactions on lists" {
	sweep kind=append ops=40 clients=4 keys=3 unknown=0.04
}

@test "transactions on registers" {
	sweep kind=register ops=30 clients=4 keys=3 unknown=0.04
}

@test "transactions on registers, with operations beside them" {
	sweep kind=mixed ops=40 clients=4 keys=3 unknown=0.04
}

# wrong FILE WHAT
wrong() {
	run "$here/certificate" history "$1"
	assert_failure 1
	assert_line --index -1 --partial "$2"
}

@test "a wrong certificate is seen" {
	cat >history <<'.'
{"process":1,"type":"invoke","f":"write","key":"x","value":1}
{"process":1,"type":"ok","f":"write","key":"x","value":1}
{"process":2,"type":"invoke","f":"write","key":"x","value":2}
{"process":2,"type":"ok","f":"write","key":"x","value":2}
{"process":3,"type":"invoke","f":"read","key":"x","value":null}
{"process":3,"type":"ok","f":"read","key":"x","value":2}
.
	lincheck --order order history
	"$here/certificate" history order
	sed 1d order >wrong && wrong wrong 'not all is there once'
	sed 2p order >wrong && wrong wrong 'not all is there once'
	{ sed -n 2p order; sed -n 1p order; sed -n 3p order; } >wrong && wrong wrong 'is after what began after its end'
	sed -i '$s/2}/1}/' history
	wrong order 'line 5 saw something else'
	lincheck --json history >verdict 2>why || true
	"$here/certificate" history verdict
	jq -c 'del(.contradictions[0].operations[1])' verdict >wrong && wrong wrong 'an order fits'
	jq -c '.contradictions=[]' verdict >wrong && wrong wrong 'there is no contradiction'
	{
		cat history
		echo '{"process":4,"type":"invoke","f":"read","key":"x","value":null}'
		echo '{"process":4,"type":"ok","f":"read","key":"x","value":2}'
	} >more && mv more history
	jq -c '.contradictions[0].operations += [{"lines":[7,8]}]' verdict >wrong && wrong wrong 'can be left out'
}
