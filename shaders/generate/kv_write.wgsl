// cache[row(t)] <- (k[t], v[t]) for tokens whose slot is active: row = table[slot, p / 16] * 16 + p % 16, p = positions[t].
// k, v: [T, WIDTH]; caches: [blocks * 16, WIDTH]; table: [slots, blocks]. A slot of 0xffffffff is skipped.
// width4: WIDTH / 4. Part: the caches' dtype.
// #include "flat"
struct Params { rows: u32, width4: u32, blocks: u32 }
@group(0) @binding(0) var<storage, read> k: array<vec4f>;
@group(0) @binding(1) var<storage, read> v: array<vec4f>;
@group(0) @binding(2) var<storage, read> slots: array<u32>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read> block_table: array<u32>;
@group(0) @binding(5) var<storage, read> counts: array<u32>;
// #part cache
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  let t = index / params.width4;
  if (t >= min(params.rows, counts[0])) { return; }
  let slot = slots[t];
  if (slot == 0xffffffffu) { return; }
  let p = positions[t];
  let at = (block_table[slot * params.blocks + p / 16u] * 16u + p % 16u) * params.width4 + index % params.width4;
  key_cache[at] = stored(k[index]);
  value_cache[at] = stored(v[index]);
}
