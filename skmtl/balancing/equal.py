"""Equal weights."""

from .static import Static


class Equal(Static):
    """Equal weights on the normalised losses: the default, and the baseline that other methods have to beat.

    Notes
    -----
    Each task's loss is normalised and averaged over its observed labels first, so equal weights mean equal
    importance. [1]_ find that equal weights with ordinary regularisation match specialised methods. If you pass
    ``loss_weights``, they multiply the weights, as for every method; this is then the same as `Static`.

    References
    ----------
    .. [1] V. Kurin, A. De Palma, I. Kostrikov, S. Whiteson, M. P. Kumar, "In Defense of the Unitary
       Scalarization for Deep Multi-Task Learning", NeurIPS 2022.

    Examples
    --------
    >>> from skmtl.balancing import Equal
    >>> Equal().requires
    'losses'
    """

    needs_loss_weights = False
