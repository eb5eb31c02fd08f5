"""Spark's classes of expressions, by what they mean to lineage."""

from __future__ import annotations

# Their one child, as it is.
SAME = frozenset(
    {
        "Alias",
        "AnsiCast",
        "AssertNotNull",
        "CommonExpressionDef",
        "KnownFloatingPointNormalized",
        "KnownNotContainsNull",
        "KnownNotNull",
        "KnownNullable",
        "NormalizeNaNAndZero",
        "OuterScopeReference",
        "PromotePrecision",
        "SortOrder",
        "TempResolvedColumn",
        "UnscaledValue",
    }
)
MASKING = frozenset(
    {
        "AesEncrypt",
        "Crc32",
        "HiveHash",
        "Mask",
        "Md5",
        "Murmur3Hash",
        "Sha1",
        "Sha2",
        "XxHash64",
        "Count",
        "HyperLogLogPlusPlus",
    }
)
# Aggregates whose result has the shape of what they take.
GATHERING = frozenset({"AnyValue", "ArrayAgg", "CollectList", "CollectSet", "First", "Last", "Max", "Min", "Mode"})
# One value of many, of the row where another one is the greatest or the least.
EXTREMES = ("MaxBy", "MinBy")
GATHERING_VALUES = frozenset(
    {
        "ArrayDistinct",
        "ArraysUnion",
        "ArrayUnion",
        "Concat",
        "CreateArray",
        "Flatten",
        "Reverse",
        "Shuffle",
        "Slice",
        "SortArray",
        "Greatest",
        "Least",
    }
)
OF_ORDER_ALONE = frozenset({"CumeDist", "DenseRank", "NTile", "PercentRank", "Rank", "RowNumber", "SparkPartitionID"})
PYTHON = frozenset({"PythonUDF", "PythonUDAF", "UnresolvedPythonUDTF", "PythonUDTF", "UserDefinedPythonFunction"})
JVM = frozenset(
    {
        "ScalaUDF",
        "ScalaUDAF",
        "ScalaAggregator",
        "ApplyFunctionExpression",
        "V2Aggregator",
        "HiveSimpleUDF",
        "HiveGenericUDF",
        "HiveUDAFFunction",
    }
)
TEXT_CHECKS = frozenset({"varcharTypeWriteSideCheck", "charTypeWriteSideCheck", "readSidePadding"})
ELEMENTS = frozenset({"ElementAt", "GetArrayItem", "Get", "TryElementAt"})
AGGREGATES = frozenset(
    {
        "AnyValue",
        "ApproxTopK",
        "ApproximatePercentile",
        "ArrayAgg",
        "Average",
        "AvgBy",
        "BitAndAgg",
        "BitOrAgg",
        "BitXorAgg",
        "BitmapConstructAgg",
        "BitmapOrAgg",
        "BoolAnd",
        "BoolOr",
        "CollectList",
        "CollectSet",
        "Corr",
        "Count",
        "CountIf",
        "CountMinSketchAgg",
        "CovPopulation",
        "CovSample",
        "CovarianceSamp",
        "First",
        "HistogramNumeric",
        "HiveUDAFFunction",
        "HllSketchAgg",
        "HllUnionAgg",
        "HyperLogLogPlusPlus",
        "Kurtosis",
        "Last",
        "ListAgg",
        "Max",
        "Median",
        "Min",
        "Mode",
        "Percentile",
        "PercentileCont",
        "PercentileDisc",
        "PythonUDAF",
        "RegrAvgX",
        "RegrAvgY",
        "RegrCount",
        "RegrIntercept",
        "RegrSXX",
        "RegrSXY",
        "RegrSYY",
        "RegrSlope",
        "ScalaAggregator",
        "ScalaUDAF",
        "Skewness",
        "StddevPop",
        "StddevSamp",
        "Sum",
        "SumBy",
        "TryAverage",
        "TrySum",
        "V2Aggregator",
        "VariancePop",
        "VarianceSamp",
    }
)
