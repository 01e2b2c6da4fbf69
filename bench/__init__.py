"""Speed as ratios: each module measures one thing of ours beside what most people would write, in the same run."""
