'use strict';
/*
 * npm's hashring as a filter: keys on stdin, key<TAB>host:port on stdout.
 *
 *     node hashring.cjs DIR NODES <keys        DIR/node_modules/hashring, a server a line
 */
const fs = require('fs');
const [dir, list] = process.argv.slice(2);
const HashRing = require(require.resolve('hashring', { paths: [dir] }));
const servers = fs.readFileSync(list, 'latin1').split('\n').filter(Boolean);
// 'default port' leaves :11211 out of the labels, as libmemcached does; no key comes twice, so no cache.
const ring = new HashRing(servers, 'md5', { 'default port': 11211, 'max cache size': 1 });

const block = Buffer.allocUnsafe(1 << 20);
let rest = '';
for (;;) {
	const got = fs.readSync(0, block, 0, block.length, null);
	if (got === 0)
		break;
	const lines = (rest + block.latin1Slice(0, got)).split('\n');
	rest = lines.pop();
	let out = '';
	for (const key of lines)
		out += key + '\t' + ring.get(key) + '\n';
	fs.writeSync(1, out, null, 'latin1');
}
if (rest)
	fs.writeSync(1, rest + '\t' + ring.get(rest) + '\n', null, 'latin1');
