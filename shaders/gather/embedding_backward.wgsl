// dtable[v, d] = sum of dy[order[i], d] for starts[v] <= i < starts[v + 1] (or added onto dtable)
// The host sorts the live tokens by id, so equal ids are one segment and no atomics are needed. quads: D / 4.
// dy: [T, D]; order: [T]; starts: [V + 1]; dtable: [V, D].
// #include "flat"
struct Params { vocabulary: u32, quads: u32, accumulate: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read_write> dtable: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  let v = index / params.quads;
  if (v >= params.vocabulary) { return; }
  let first = starts[v];
  let end = starts[v + 1u];
  if (params.accumulate == 1u && first == end) { return; }
  var sum = vec4f();
  for (var i = first; i < end; i++) { sum += dy[order[i] * params.quads + index % params.quads]; }
  if (params.accumulate == 1u) { dtable[index] += sum; } else { dtable[index] = sum; }
}
