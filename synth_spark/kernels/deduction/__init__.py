"""What published counts prove together, and by which of them to say less so that they prove nothing of a small group.

All arithmetic is in units of k: a count that is published as q·k stands for k·q … k·q + k − 1 records, a
combination that is not published for 0 … k − 1, that is q = 0. Every true inequality between counts, Σ c·n ≥ 0, has
an echo in these numbers; where Σ c·q is too far below 0 it narrows each count in it, and then a combination that is
not published is known to be held by someone, or a published count is known to fewer than k values. So the modules
look for inequalities whose echo is too low, and lower the counts that enter it with a minus until it is not.
"""
