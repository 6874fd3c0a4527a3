"""Published aRRMSE over 10 random folds, for comparison with skmtl on such folds."""

from __future__ import annotations

import pandas as pd

SOURCE = (
    "Melki, Cano, Kecman and Ventura (2017), Multi-target support vector regression via correlation regressor chains, "
    "Information Sciences 415-416. Their folds are not known. Their settings were chosen by cross-validation, possibly "
    "on the same folds."
)
# Multi-output random forest; single-target ensembles of trees (ST), their stacks and chains; support vector regression
# and its chains.
COLUMNS = ("MORF", "ST", "MTS", "MTSC", "RC", "ERC", "ERCC", "SVR", "SVRRC", "SVRCC")
PUBLISHED = {
    "slump": (0.6939, 0.6886, 0.6690, 0.6938, 0.7019, 0.7022, 0.6886, 0.5765, 0.5545, 0.5560),
    "andro": (0.5097, 0.5979, 0.5155, 0.5633, 0.5924, 0.5885, 0.5666, 0.4856, 0.4651, 0.4455),
    "edm": (0.7337, 0.7442, 0.7413, 0.7446, 0.7449, 0.7452, 0.7443, 0.7058, 0.7070, 0.6978),
    "sf1": (1.3046, 1.1357, 1.1168, 1.0758, 0.9951, 1.0457, 1.0887, 0.9917, 0.9455, 0.9320),
    "jura": (0.5969, 0.5874, 0.5906, 0.5892, 0.5910, 0.5896, 0.5880, 0.5952, 0.5764, 0.5885),
    "enb": (0.1210, 0.1165, 0.1231, 0.1211, 0.1268, 0.1250, 0.1139, 0.0977, 0.0910, 0.0899),
    "scpf": (0.8273, 0.8348, 0.8436, 0.8308, 0.8263, 0.8105, 0.8290, 0.8164, 0.8037, 0.8013),
    "osales": (0.7596, 0.7471, 0.7086, 0.7268, 0.8318, 0.7258, 0.7101, 0.7924, 0.7924, 0.7811),
    "atp1d": (0.4173, 0.3732, 0.3733, 0.3712, 0.3790, 0.3696, 0.3721, 0.3773, 0.3707, 0.3775),
    "oes10": (0.4518, 0.4174, 0.4176, 0.4171, 0.4178, 0.4180, 0.4166, 0.3570, 0.3555, 0.3538),
}


def compare_with_published(scores: pd.Series) -> pd.DataFrame:
    """Return skmtl's score, the best published one, its method and the gain over it, one row per data set.

    ``scores`` is aRRMSE by data set, named as in results/accuracy_random.csv.
    """
    rows = {}
    for key, found in scores.dropna().items():
        data, *rest = str(key).split("-")
        if data in PUBLISHED and rest == ["10fold", "random"]:
            least, column = min(zip(PUBLISHED[data], COLUMNS, strict=True))
            gain = f"{1 - found / least:+.1%}"
            rows[data] = {"skmtl": f"{found:.4f}", "best published": f"{least:.4f}", "method": column, "gain": gain}
    return pd.DataFrame(rows).T
