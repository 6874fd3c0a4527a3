"""Equal weights."""

from .static import Static


class Equal(Static):
    """Equal weights over the normalised losses: the default, and the baseline every other method has to beat.

    Notes
    -----
    Losses are normalised and averaged over each task's observed labels before they arrive here, so that equal
    weights mean equal importance. [1]_ find that this, with ordinary regularisation, matches specialised
    methods. Where the user gives ``loss_weights`` they multiply in, as for every method; that is `Static`.

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
