// o[t, h] = sum_j softmax_j(q[t, h] . k[j, g] * scale) v[j, g] over keys j of the same segment with j <= t, g = h / GROUP
// lse[t, h] = log sum_j exp(q . k * scale)                       (flash attention, Dao 2022; packed sequences, GQA)
// This variant of attention.wgsl is for adapters without scalar loads. A workgroup is one subgroup and computes SUBGROUP x R queries of a head;
// its lanes load a key together and share it. The softmax is updated key by key in key order, so a row's bits do not depend on other rows.
// Constants: HD4 = head size / 4 = PARTS * SUBGROUP, KV, GROUP, R, SUBGROUP, PARTS.
// q, o: [T, KV * GROUP * HD], k, v: [T, KV * HD]; lse: [T, KV * GROUP]; spans as in attention.
enable subgroups;
struct Params { scale: f32 }
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> spans: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const HEADS = KV * GROUP;
const QB = SUBGROUP * R;

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(subgroup_invocation_id) peer: u32,
) {
  let first_query = group.x * QB;
  let live = spans[0].x;
  if (first_query >= live) { return; }
  let last_query = min(first_query + QB, live) - 1u;
  let first_key = spans[1u + first_query].x;
  let head = group.y;
  let kv = head / GROUP;
  let query = first_query + lane.x * R;

  // #repeat r R
  let row{r} = min(query + {r}u, live - 1u);
  let start{r} = spans[1u + row{r}].x;
  var m{r} = -1e30;
  var l{r} = 0.0;
  // #repeat h PARTS
  // #repeat i SUBGROUP
  let q{r}_{h}_{i} = q[(row{r} * HEADS + head) * HD4 + {h}u * SUBGROUP + {i}u] * params.scale;
  var acc{r}_{h}_{i} = vec4f();
  // #end
  // #end
  // #end
  for (var key = first_key; key <= last_query; key++) {
    // #repeat r R
    var s{r} = vec4f();
    // #end
    // #repeat h PARTS
    let key_quad{h} = k[(key * KV + kv) * HD4 + {h}u * SUBGROUP + peer];
    let value_quad{h} = v[(key * KV + kv) * HD4 + {h}u * SUBGROUP + peer];
    // #repeat i SUBGROUP
    let k{h}_{i} = subgroupBroadcast(key_quad{h}, {i}u);
    // #repeat r R
    s{r} += q{r}_{h}_{i} * k{h}_{i};
    // #end
    // #end
    // #end
    // #repeat r R
    let score{r} = s{r}.x + s{r}.y + s{r}.z + s{r}.w;
    let sees{r} = key >= start{r} && key <= row{r};
    let next{r} = select(m{r}, max(m{r}, score{r}), sees{r});
    let keep{r} = exp(m{r} - next{r});
    m{r} = next{r};
    let p{r} = select(0.0, exp(score{r} - m{r}), sees{r});
    l{r} = l{r} * keep{r} + p{r};
    // #end
    // #repeat h PARTS
    // #repeat i SUBGROUP
    let v{h}_{i} = subgroupBroadcast(value_quad{h}, {i}u);
    // #repeat r R
    acc{r}_{h}_{i} = acc{r}_{h}_{i} * keep{r} + p{r} * v{h}_{i};
    // #end
    // #end
    // #end
  }
  // #repeat r R
  if (query + {r}u < live) {
    // #repeat h PARTS
    // #repeat i SUBGROUP
    o[(row{r} * HEADS + head) * HD4 + {h}u * SUBGROUP + {i}u] = acc{r}_{h}_{i} / l{r};
    // #end
    // #end
    lse[row{r} * HEADS + head] = m{r} + log(l{r});
  }
  // #end
}
