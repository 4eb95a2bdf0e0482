"""From scores to what is done: who is hesitant, and by which channel it pays to reach whom."""
