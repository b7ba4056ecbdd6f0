"""What a week's numbers mean: what is usual, what drove a change, what calls for a decision. All pure."""
