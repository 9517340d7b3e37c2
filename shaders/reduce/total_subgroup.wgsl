// The sum of `own` over the LANES of a workgroup, for all of them, where a workgroup is one subgroup: workgroup memory and barriers cost a
// software adapter more than the row itself.
enable subgroups;

fn total_of(own: f32, lane: u32) -> f32 {
  return subgroupAdd(own);
}
