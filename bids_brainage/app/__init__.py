"""What a run does: plan, extract, predict, group."""
