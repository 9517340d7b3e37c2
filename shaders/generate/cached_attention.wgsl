// o[t, h] = softmax(q[t, h] . K) V over the cached keys 0 .. positions[t] of token t's slot, one invocation per token and head.
// Keys are visited in order with the same update as attention.wgsl, so rollout and training agree to rounding.
// q, o: [T, KV * GROUP * HD]; caches: [blocks * 16, KV * HD]; table: [slots, blocks]. Constants: HD4 = head size / 4, KV, GROUP.
// Part: the caches' dtype; sums are f32.
// #include "flat"
struct Params { rows: u32, scale: f32, blocks: u32 }
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
// #part cache
@group(0) @binding(3) var<storage, read> slots: array<u32>;
@group(0) @binding(4) var<storage, read> positions: array<u32>;
@group(0) @binding(5) var<storage, read> block_table: array<u32>;
@group(0) @binding(6) var<storage, read> counts: array<u32>;
@group(0) @binding(7) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;

const HEADS = KV * GROUP;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 32u + lane.x;
  let t = index / HEADS;
  if (t >= min(params.rows, counts[0])) { return; }
  let slot = slots[t];
  if (slot == 0xffffffffu) { return; }
  let kv = (index % HEADS) / GROUP;
  // #repeat d HD4
  let qr{d} = q[index * HD4 + {d}u] * params.scale;
  var acc{d} = vec4f();
  // #end
  var m = -1e30;
  var l = 0.0;
  let last = positions[t];
  for (var p = 0u; p <= last; p++) {
    let row = block_table[slot * params.blocks + p / 16u] * 16u + p % 16u;
    let at = (row * KV + kv) * HD4;
    var s4 = vec4f();
    // #repeat d HD4
    s4 += qr{d} * key_quad(at + {d}u);
    // #end
    let s = s4.x + s4.y + s4.z + s4.w;
    let next = max(m, s);
    let keep = exp(m - next);
    let w = exp(s - next);
    l = l * keep + w;
    // #repeat d HD4
    acc{d} = acc{d} * keep + w * value_quad(at + {d}u);
    // #end
    m = next;
  }
  // #repeat d HD4
  o[index * HD4 + {d}u] = acc{d} / l;
  // #end
}
