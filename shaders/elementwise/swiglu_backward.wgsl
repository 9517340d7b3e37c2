// With s = 1 / (1 + exp(-g)): dgate = dy * up * s * (1 + g * (1 - s)),  dup = dy * g * s
// dy, gate, up, dgate, dup: [4 count].
// #include "flat"
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> gate: array<vec4f>;
@group(0) @binding(2) var<storage, read> up: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dgate: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dup: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let i = flat_workgroup(group, groups) * 64u + lane.x;
  if (i >= params.count) { return; }
  let g = gate[i];
  let s = 1.0 / (1.0 + exp(min(-g, vec4f(80.0))));
  dup[i] = dy[i] * g * s;
  dgate[i] = dy[i] * up[i] * s * (1.0 + g * (1.0 - s));
}
