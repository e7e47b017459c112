"""The types that a model artifact may hold. An installation's settings may add estimator classes, a file never.

They are told by what loads them, so that a function cannot stand in for a class. All of them only hold figures, or call each other;
none opens a file, a process or a network. What is not here (support vector machines, nearest neighbours, splines, a user's own
transformers) would have compiled code read indices out of the file that nothing checks, or run code that is neither scikit-learn's
nor ours. Whoever lists such a class vouches for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_TREE_TYPES = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)

_ESTIMATORS = (
    "perennial.learning.baseline.SeasonalMean",
    "perennial.learning.binned_boosting.BinnedBoostingClassifier",
    "perennial.learning.binned_boosting.BinnedBoostingRegressor",
    "perennial.learning.boosted_interval.BoostedInterval",
    "perennial.learning.category_codes.CategoryCodes",
    "perennial.learning.row_by_row.RowByRowLogistic",
    "perennial.learning.row_by_row.RowByRowRidge",
    "sklearn.calibration.CalibratedClassifierCV",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.compose._column_transformer.ColumnTransformer",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.compose._target.TransformedTargetRegressor",
    "sklearn.dummy.DummyClassifier",
    "sklearn.dummy.DummyRegressor",
    "sklearn.ensemble._bagging.BaggingClassifier",
    "sklearn.ensemble._bagging.BaggingRegressor",
    "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._forest.ExtraTreesRegressor",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.ensemble._forest.RandomForestRegressor",
    "sklearn.ensemble._gb.GradientBoostingClassifier",
    "sklearn.ensemble._gb.GradientBoostingRegressor",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor",
    "sklearn.ensemble._stacking.StackingClassifier",
    "sklearn.ensemble._stacking.StackingRegressor",
    "sklearn.ensemble._voting.VotingClassifier",
    "sklearn.ensemble._voting.VotingRegressor",
    "sklearn.ensemble._weight_boosting.AdaBoostClassifier",
    "sklearn.ensemble._weight_boosting.AdaBoostRegressor",
    "sklearn.impute._base.MissingIndicator",
    "sklearn.impute._base.SimpleImputer",
    "sklearn.isotonic.IsotonicRegression",
    "sklearn.linear_model._base.LinearRegression",
    "sklearn.linear_model._bayes.ARDRegression",
    "sklearn.linear_model._bayes.BayesianRidge",
    "sklearn.linear_model._coordinate_descent.ElasticNet",
    "sklearn.linear_model._coordinate_descent.ElasticNetCV",
    "sklearn.linear_model._coordinate_descent.Lasso",
    "sklearn.linear_model._coordinate_descent.LassoCV",
    "sklearn.linear_model._glm.glm.GammaRegressor",
    "sklearn.linear_model._glm.glm.PoissonRegressor",
    "sklearn.linear_model._glm.glm.TweedieRegressor",
    "sklearn.linear_model._huber.HuberRegressor",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.linear_model._logistic.LogisticRegressionCV",
    "sklearn.linear_model._quantile.QuantileRegressor",
    "sklearn.linear_model._ridge.Ridge",
    "sklearn.linear_model._ridge.RidgeCV",
    "sklearn.linear_model._ridge.RidgeClassifier",
    "sklearn.linear_model._stochastic_gradient.SGDClassifier",
    "sklearn.linear_model._stochastic_gradient.SGDRegressor",
    "sklearn.pipeline.FeatureUnion",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.Binarizer",
    "sklearn.preprocessing._data.MaxAbsScaler",
    "sklearn.preprocessing._data.MinMaxScaler",
    "sklearn.preprocessing._data.Normalizer",
    "sklearn.preprocessing._data.PowerTransformer",
    "sklearn.preprocessing._data.QuantileTransformer",
    "sklearn.preprocessing._data.RobustScaler",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.preprocessing._discretization.KBinsDiscretizer",
    "sklearn.preprocessing._encoders.OneHotEncoder",
    "sklearn.preprocessing._encoders.OrdinalEncoder",
    "sklearn.preprocessing._function_transformer.FunctionTransformer",
    "sklearn.preprocessing._label.LabelBinarizer",
    "sklearn.preprocessing._label.LabelEncoder",
    "sklearn.preprocessing._target_encoder.TargetEncoder",
    "sklearn.tree._classes.DecisionTreeClassifier",
    "sklearn.tree._classes.DecisionTreeRegressor",
    "sklearn.tree._classes.ExtraTreeClassifier",
    "sklearn.tree._classes.ExtraTreeRegressor",
)

_PARTS = (
    "sklearn._loss.link.HalfLogitLink",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogLink",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.loss.AbsoluteError",
    "sklearn._loss.loss.ExponentialLoss",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfGammaLoss",
    "sklearn._loss.loss.HalfPoissonLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss.loss.HalfTweedieLoss",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn._loss.loss.HuberLoss",
    "sklearn._loss.loss.PinballLoss",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
)

_COMPILED_LOSSES = tuple(
    f"sklearn._loss._loss.{name}"
    for name in (
        "CyAbsoluteError",
        "CyExponentialLoss",
        "CyHalfBinomialLoss",
        "CyHalfGammaLoss",
        "CyHalfPoissonLoss",
        "CyHalfSquaredError",
        "CyHalfTweedieLoss",
        "CyHalfTweedieLossIdentity",
        "CyHuberLoss",
        "CyPinballLoss",
    )
) + tuple(f"sklearn.linear_model._sgd_fast.{name}" for name in ("Hinge", "ModifiedHuber", "SquaredHinge"))

_SCALARS = tuple(
    f"numpy.{name}"
    for name in (
        *("bool", "bool_", "str_", "float16", "float32", "float64", "int8", "int16", "int32", "int64"),
        *("uint8", "uint16", "uint32", "uint64", "datetime64", "timedelta64"),
    )
)

_PRIMITIVES = ("builtins.bool", "builtins.float", "builtins.int", "builtins.str")

_FUNCTIONS = (
    *(f"numpy.{name}" for name in ("abs", "absolute", "cbrt", "cos", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2")),
    *(f"numpy.{name}" for name in ("reciprocal", "sin", "sqrt", "square", "tanh")),
    # HistGradientBoosting prepares a data frame's numbers with it.
    "sklearn.utils.validation.check_array",
)

OBJECTS = "ObjectNode"
"""What loads an instance of a class, and so the classes that settings add."""

TRUSTED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        OBJECTS: frozenset((*_ESTIMATORS, *_PARTS, _TREE_TYPES[0])),
        "TreeNode": frozenset(_TREE_TYPES[1:]),
        "LossNode": frozenset(_COMPILED_LOSSES),
        "FunctionNode": frozenset(_FUNCTIONS),
        "PartialNode": frozenset(("functools.partial",)),
        "TypeNode": frozenset((*_PRIMITIVES, *_SCALARS, "builtins.NoneType", "builtins.object", "numpy.number")),
        "DTypeNode": frozenset(("numpy.dtype",)),
        "NdArrayNode": frozenset(("numpy.ndarray", *_SCALARS)),
        "JsonNode": frozenset(("builtins.str",)),
        "DictNode": frozenset(("builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch")),
        "ListNode": frozenset(("builtins.list",)),
        "TupleNode": frozenset(("builtins.tuple",)),
        "SetNode": frozenset(("builtins.set",)),
        "SliceNode": frozenset(("builtins.slice",)),
        "RandomStateNode": frozenset(("numpy.random.mtrand.RandomState",)),
        "RandomGeneratorNode": frozenset(("numpy.random._generator.Generator",)),
    }
)
"""By loader of the skops format, the types that it may load."""
