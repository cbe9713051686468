"""What every figure is: one sentence each, shown wherever the figure is. s and t are counts in source and target."""

#: Measures of combinations, by name (as SDS has them; both denominators are named).
MEASURES = {
    "tuples": "Number of column tuples.",
    "source_combinations": "Number of distinct combinations of the source.",
    "target_combinations": "Number of distinct combinations of the target.",
    "source_count": "Sum of the counts of all combinations of the source.",
    "target_count": "Sum of the counts of all combinations of the target.",
    "source_mean_count": "Mean count of a distinct combination of the source.",
    "target_mean_count": "Mean count of a distinct combination of the target.",
    "source_rare": "Combinations of the source that fewer than k records share, unique ones included.",
    "target_rare": "Combinations of the target that fewer than k records share, unique ones included.",
    "source_unique": "Combinations of the source that one record alone holds.",
    "target_unique": "Combinations of the target that one record alone holds.",
    "source_rare_percent": "Rare combinations, in per cent of the distinct combinations of the source.",
    "target_rare_percent": "Rare combinations, in per cent of the distinct combinations of the target.",
    "source_unique_percent": "Unique combinations, in per cent of the distinct combinations of the source.",
    "target_unique_percent": "Unique combinations, in per cent of the distinct combinations of the target.",
    "suppressed": "Combinations of the source that are not in the target; rare ones are meant to be missing.",
    "suppressed_percent_of_source": "Suppressed combinations, in per cent of the distinct combinations of the source.",
    "fabricated": "Combinations of the target that are not in the source.",
    "fabricated_percent_of_source": "Fabricated combinations, in per cent of the distinct combinations of the source "
    "(as SDS counts).",
    "fabricated_percent_of_target": "Fabricated combinations, in per cent of the distinct combinations of the target.",
    "leaked": "Combinations that fewer than k records of the source share and that are rare in the target, too.",
    "leaked_percent_of_source": "Leaked combinations, in per cent of the distinct combinations of the source.",
    "leaked_percent_of_target": "Leaked combinations, in per cent of the distinct combinations of the target.",
    "emerged": "Combinations that fewer than k records of the source share and that at least k of the target do.",
    "both": "Combinations that source and target hold.",
    "mean_absolute_error": "Mean of |s - t| over the combinations that both hold.",
    "largest_gap": "Largest |s - t| over the combinations of the source (of length 1).",
    "mean_ratio": "Mean of t / s over the combinations of the source, 0 where t = 0 (of length 1).",
    "common": "Combinations that at least k records of the source share.",
    "kept": "Combinations that at least k records of the source share and that the target holds.",
    "kept_share_of_common": "Share of the combinations with at least k records in the source that the target holds.",
    "mass_share_of_common": "Sum of min(s, t) over the sum of s, over combinations with at least k records.",
    "mean_tvd": "Mean, over column tuples, of half the sum of |s - t| over the sum of s.",
    "record_expansion": "Records of the target for each record of the source.",
    "record_expansion_percent": "How many records more the target has, in per cent of the source's.",
    "target_records": "Number of records of the target.",
    "population": "Combinations that at least k records of the source share, or that the target holds.",
    "preservation": "Mean of min(t / s, 1) over the population; 0 where s = 0.",
    "proportional_error": "Mean of |t - s| / s over the population; 1 where s = 0.",
    "mean_length": "Mean length of the combinations of the population.",
    "mean_combination_count": "Mean count, in the target, of the combinations of the population.",
    "mean_proportional_error_over_bins": "Mean, over the bins of counts that are not empty, of the proportional error.",
}
#: Findings, by topic and name.
FINDINGS = {
    ("distance", "p95_tvd"): "95th percentile, over column tuples, of their total variation distance.",
    (
        "distance",
        "largest_tvd",
    ): "The largest total variation distance of a column tuple; above 1 where the target holds "
    "far more of its combinations than the source.",
    (
        "distance",
        "tvd",
    ): "Half the sum of |s - t| over the sum of s, over the combinations of the column tuple; above 1 "
    "where the target holds far more of them than the source.",
    ("distance", "k_marginal_score"): "1000 (1 - mean total variation distance of the column tuples); 1000 is perfect.",
    (
        "association",
        "mean_difference",
    ): "Mean, over pairs of columns, of the difference between the Cramér's V of source and target.",
    ("association", "p95_difference"): "95th percentile, over pairs of columns, of the difference of Cramér's V.",
    ("association", "largest_difference"): "The largest difference of Cramér's V.",
    ("association", "source_association"): "Cramér's V of the pair of columns in the source; absent is a value.",
    ("association", "target_association"): "Cramér's V of the pair of columns in the target; absent is a value.",
    ("subgroup", "mean_tvd"): "Mean, over attributes of at least k records, of the subgroup's mean distance.",
    ("subgroup", "p95_tvd"): "95th percentile, over attributes of at least k records, of the subgroup's mean distance.",
    ("subgroup", "largest_tvd"): "The largest mean distance of a subgroup.",
    ("subgroup", "tvd"): "Mean, over all other columns, of the total variation distance between their distributions "
    "among the records with this attribute in source and target; absent is a value.",
    ("risk", "unique_records"): "Records whose shortest unique combination has this length.",
    ("risk", "rare_records"): "Records without a unique combination whose shortest rare one has this length.",
    ("risk", "risky_records"): "Records with a unique or rare combination, at the shortest length at which one occurs.",
    ("risk", "records_with_rare"): "Records that hold any combination of up to R attributes that fewer than k share.",
    ("risk", "records_with_unique"): "Records that hold any combination of up to R attributes that no other holds.",
    ("risk", "linkable_percent"): "Of the records with this attribute, those that a rare combination with it links, in "
    "per cent.",
    (
        "risk",
        "linkable_percent_by_column",
    ): "Mean of the linkable share over the column's attributes that are in a rare combination, in per cent.",
    ("risk", "records_with_unique_by_column"): "Records that hold a unique combination with a value of the column.",
    (
        "homogeneity",
        "groups",
    ): "Combinations of this many attributes, without the column, that at least k records share.",
    ("homogeneity", "revealed_groups"): "Groups whose records all have the same value of the column.",
    ("homogeneity", "revealed_groups_percent"): "Revealed groups, in per cent of all groups.",
    ("homogeneity", "homogeneous_groups"): "Groups with one value of the column; absent counts as one.",
    ("homogeneity", "least_diversity"): "Least number of different values, absent included, in a group (l-diversity).",
    (
        "homogeneity",
        "mean_closeness",
    ): "Mean total variation distance between the column in a group and in all records.",
    ("homogeneity", "largest_closeness"): "Largest such distance: the t for which t-closeness holds.",
    ("redaction", "lost_cases_percent"): "Records that are taken away whole, in per cent.",
    ("redaction", "lost_cells_percent"): "Values that are taken away, in per cent of all values.",
    (
        "redaction",
        "lost_combinations_percent",
    ): "Combinations that at least k records shared and that less than k share afterwards, in per cent.",
    ("difference", "compared"): "Combinations, of columns that both releases have, that either publishes.",
    ("difference", "only_earlier"): "Combinations that the earlier release alone publishes.",
    ("difference", "only_this"): "Combinations that this release alone publishes.",
    ("difference", "small_difference"): "Combinations whose published counts differ, by less than the larger k.",
    ("difference", "narrowed"): "Combinations whose exact count both releases of the same records tell to less than "
    "the smaller k.",
    ("difference", "pinned"): "Combinations whose exact count both releases of the same records tell exactly.",
    ("difference", "contradicting"): "Combinations whose counts cannot be of the same records.",
    (
        "difference",
        "known_count",
    ): "Combinations whose exact count both releases tell, if the same records hold them, to "
    "fewer than the smaller k numbers, or to be at least one and less than the larger k.",
    ("difference", "columns_that_differ"): "Columns that one of the two releases alone has.",
    ("difference", "columns_shared"): "Columns that both releases have; combinations of these alone are compared.",
    ("difference", "lengths_not_compared"): "Lengths of combinations that one of the two releases alone reports.",
    ("difference", "not_read"): "1 for an earlier release that readers may hold and that could not be read.",
    ("difference", "rose"): "Combinations whose published count rose by the earlier k or more: it says nothing of "
    "records that went.",
    ("difference", "fell"): "Combinations whose published count fell by k or more: records went, or less is published "
    "of them. It says nothing of added records.",
    ("difference", "told_of_added"): "Combinations of which both releases, subtracted, tell that at least one and "
    "fewer than k of the records added in between hold it, if no record went from the groups that show it.",
    ("difference", "told_of_earlier"): "Combinations of which both releases, subtracted, tell that at least one and "
    "fewer than k of the earlier records held it, although the earlier release did not publish it.",
    ("difference", "told_of_withdrawn"): "Combinations of which both releases, subtracted, tell that at least one and "
    "fewer than k of the records that went in between held it, if no record came to the groups that show it.",
    ("difference", "told_of_this"): "Combinations of which both releases, subtracted, tell that at least one and "
    "fewer than k of the records of this release hold it, although this release does not publish it.",
    (
        "drift",
        "tvd",
    ): "Half the sum of |p - q| over the values of the column, p and q being their shares of the records "
    "in the earlier release and in this one, by published counts; what no published value stands for is one more.",
    ("drift", "largest_tvd"): "The largest such distance of a column.",
    ("attack", "risk"): "(success against records that were used - success against the control) / (1 - success against "
    "the control), with its 95 % interval (Giomi et al. 2023).",
    ("attack", "main"): "Share of attacks that succeed against records that the synthetic ones were made from.",
    ("attack", "control"): "Share of the same attacks that succeed against records that were held out.",
    ("attack", "baseline"): "Share of attacks that succeed by guessing.",
    ("attack", "attacks"): "Number of attacks that were made.",
    (
        "attack",
        "mean_distance_used",
    ): "Mean number of columns in which the nearest synthetic record differs from a record that was used.",
    ("attack", "mean_distance_held_out"): "Mean number of columns in which the nearest synthetic record differs from a "
    "held-out record.",
    ("attack", "identical_share_used"): "Share of the records that were used that a synthetic record equals.",
    ("attack", "identical_share_held_out"): "Share of the held-out records that a synthetic record equals.",
    (
        "model",
        "synthetic_accuracy",
    ): "Share of held-out records of which a model trained on synthetic records tells the value.",
    ("model", "real_accuracy"): "Share of held-out records of which a model trained on as many real records tells the "
    "value.",
    ("model", "majority"): "Share of held-out records with the value that is most frequent among real ones.",
    ("model", "pmse"): "Mean of (p - c)² over all records, where p is the probability, by logistic regression, that a "
    "record is synthetic and c the share of synthetic ones (Snoke et al. 2018); 0 is best.",
    ("model", "pmse_ratio"): "pMSE over its expectation if the synthetic records were drawn from a true model of these "
    "records; 1 is best, and another sample of as many people has 2.",
    ("model", "auc"): "How well the regression tells synthetic from real records: 0.5 is not at all, 1 always.",
}


def definition(measure: str, topic: str | None = None) -> str:
    """The sentence for a measure, or for a finding of a topic; a share of records has that of their number."""
    if topic is None:
        return MEASURES[measure]
    if (topic, measure) in FINDINGS:
        return FINDINGS[topic, measure]
    return FINDINGS[topic, measure.removesuffix("_percent")]


def is_measure(measure: str) -> bool:
    """Whether a figure of this name is ever taken, of whatever topic.

    >>> is_measure("mean_tvd"), is_measure("risky_records_percent"), is_measure("mean_tdv")
    (True, True, False)
    """
    return bool({measure, measure.removesuffix("_percent")} & set(measure_names()))


def measure_names() -> list[str]:
    """Names of all figures, of whatever topic."""
    return sorted({*MEASURES, *(name for _, name in FINDINGS)})
