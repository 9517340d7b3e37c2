// o[t, h] = sum_j softmax_j(q[t, h] . k[j, g] * scale) v[j, g] over keys j of the same segment with j <= t, g = h / GROUP
// lse[t, h] = log sum_j exp(q . k * scale)                       (flash attention, Dao 2022; packed sequences, GQA)
// q, o: [T, KV * GROUP * HD], k, v: [T, KV * HD]; spans[0].x = live tokens, spans[1 + t] = (start, end) of t's segment.
// A workgroup holds QB queries x GROUP heads, an invocation R queries of a head; key and value tiles of BK rows pass through
// workgroup memory. The softmax is updated key by key in key order, so a row's bits do not depend on where tiles begin or on other
// rows. Constants: HD4 = head size / 4, KV, GROUP, R, QB, BK, LANES = QB / R * GROUP.
struct Params { scale: f32 }
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> spans: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const HEADS = KV * GROUP;
var<workgroup> key_tile: array<vec4f, BK * HD4>;
var<workgroup> value_tile: array<vec4f, BK * HD4>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let first_query = group.x * QB;
  let live = spans[0].x;
  if (first_query >= live) { return; }
  let last_query = min(first_query + QB, live) - 1u;
  let first_key = spans[1u + first_query].x;
  let kv = group.y;
  let query = first_query + lane.x % (QB / R) * R;
  let head = kv * GROUP + lane.x / (QB / R);

  // #repeat r R
  let row{r} = min(query + {r}u, live - 1u);
  let start{r} = spans[1u + row{r}].x;
  var m{r} = -1e30;
  var l{r} = 0.0;
  // #repeat d HD4
  let q{r}_{d} = q[(row{r} * HEADS + head) * HD4 + {d}u] * params.scale;
  var acc{r}_{d} = vec4f();
  // #end
  // #end
  for (var base = first_key; base <= last_query; base += BK) {
    workgroupBarrier();
    for (var i = lane.x; i < BK * HD4; i += LANES) {
      let key = base + i / HD4;
      if (key <= last_query) {
        let at = (key * KV + kv) * HD4 + i % HD4;
        key_tile[i] = k[at];
        value_tile[i] = v[at];
      }
    }
    workgroupBarrier();
    let count = min(BK, last_query + 1u - base);
    for (var j = 0u; j < count; j++) {
      let key = base + j;
      // Starts grow with rows.
      if (key >= start0 && key < query + R) {
        // #repeat r R
        var s{r} = vec4f();
        // #end
        // #repeat d HD4
        let k{d} = key_tile[j * HD4 + {d}u];
        // #repeat r R
        s{r} += q{r}_{d} * k{d};
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
        // #repeat d HD4
        let v{d} = value_tile[j * HD4 + {d}u];
        // #repeat r R
        acc{r}_{d} = acc{r}_{d} * keep{r} + p{r} * v{d};
        // #end
        // #end
      }
    }
  }
  // #repeat r R
  if (query + {r}u < live) {
    // #repeat d HD4
    o[(row{r} * HEADS + head) * HD4 + {d}u] = acc{r}_{d} / l{r};
    // #end
    lse[row{r} * HEADS + head] = m{r} + log(l{r});
  }
  // #end
}
