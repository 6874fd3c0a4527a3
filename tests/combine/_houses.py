"""Small tables shared by the tests."""

import pandas as pd


def frame(**columns):
    return pd.DataFrame(columns)


def houses():
    """Six houses in two data sets that share three of them, each with the other's target as a column."""
    full = pd.DataFrame(
        {
            "house_id": [11, 12, 13, 14, 15, 16],
            "rooms": [1, 2, 3, 4, 5, 6],
            "floors": [1, 1, 2, 2, 3, 3],
            "garden": [0.5, 1.5, 2.5, 3.5, 4.5, 5.5],
            "price": [100.0, 210.0, 330.0, 470.0, 520.0, 610.0],
            "area": [50.0, 61.0, 73.0, 87.0, 92.0, 108.0],
        }
    )
    return full.iloc[:5], full.iloc[[5, 2, 3, 4, 1]]


def own_features(price_columns=("house_id", "rooms", "garden"), area_columns=("house_id", "rooms", "floors")):
    price, area = houses()
    return {
        "price": (price[list(price_columns)], price["price"]),
        "area": (area[list(area_columns)], area["area"]),
    }
